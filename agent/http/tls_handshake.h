// SPDX-License-Identifier: Apache-2.0
// A TLS handshake on another thread: an RSA key of 4096 bits signs for 2 to 4 ms, and whoever connects can ask for
// that. The bytes still come and go on the loop; only what OpenSSL makes of them is made elsewhere.
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
    std::string send;   // to the peer, also when it failed: the alert that says why
    std::string first;  // kDone: what the peer said right behind the handshake, deciphered
  };

  // Takes `ssl` from the stream that owns it, and gives it back with kDone. Until then nobody else uses it.
  explicit TlsHandshake(SSL* ssl);
  ~TlsHandshake();
  TlsHandshake(const TlsHandshake&) = delete;
  TlsHandshake& operator=(const TlsHandshake&) = delete;

  // One step with what came from the peer, made on `worker`; `then` is called on `loop`. One at a time; `then` keeps
  // this object and the stream alive.
  void step(asio::io_context& worker, asio::io_context& loop, std::string received, std::function<void(Step)> then);

 private:
  [[nodiscard]] Step step(const std::string& received);

  SSL* ssl_;
  BIO* streams_;        // the stream's own way in and out
  BIO* in_ = nullptr;   // ssl_'s, as long as the handshake lasts
  BIO* out_ = nullptr;  // the same
};

}  // namespace mete::agent
