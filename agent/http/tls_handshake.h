// SPDX-License-Identifier: Apache-2.0
// Makes a TLS handshake on another thread: signing with a 4096-bit RSA key takes 2 to 4 ms, and every client that
// connects can demand it. The loop still sends and receives the bytes; only OpenSSL's computations run elsewhere.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>

#include "agent/base/asio.h"

namespace mete::agent {

class TlsHandshake {
 public:
  enum class State { kMore, kDone, kFailed };
  struct Step {
    State state = State::kMore;
    std::string send;   // bytes for the peer, also after a failure: the alert that says why
    std::string first;  // kDone: decrypted data that arrived right after the handshake
  };

  // Takes `ssl` from the stream that owns it and returns it with kDone. Until then no other code may use it.
  explicit TlsHandshake(SSL* ssl);
  ~TlsHandshake();
  TlsHandshake(const TlsHandshake&) = delete;
  TlsHandshake& operator=(const TlsHandshake&) = delete;

  // Makes one step on `worker` with the bytes received; `then` is called on `loop`. One step at a time; `then` must
  // keep this object and the stream alive.
  void step(asio::io_context& worker, asio::io_context& loop, std::string received, std::function<void(Step)> then);

 private:
  [[nodiscard]] Step step(const std::string& received);

  SSL* ssl_;
  BIO* streams_;        // the stream's own BIO
  BIO* in_ = nullptr;   // ssl_'s BIO during the handshake
  BIO* out_ = nullptr;  // the same
};

}  // namespace mete::agent
