// SPDX-License-Identifier: Apache-2.0
#include "agent/http/tls_handshake.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <utility>

namespace mete::agent {
namespace {

std::string drain(BIO* bio) {
  std::string bytes(BIO_ctrl_pending(bio), '\0');
  std::size_t got = 0;
  if (bytes.empty() || ::BIO_read_ex(bio, bytes.data(), bytes.size(), &got) != 1) got = 0;
  bytes.resize(got);
  return bytes;
}

// Reads until no data is left, or the peer has closed; the next read gets the same result.
std::string read_all(SSL* ssl) {
  constexpr std::size_t kRead = 4096;
  std::string text;
  std::size_t got = 0;
  do {
    const std::size_t before = text.size();
    text.resize(before + kRead);
    if (::SSL_read_ex(ssl, text.data() + before, kRead, &got) != 1) got = 0;
    text.resize(before + got);
  } while (got > 0);
  ::ERR_clear_error();
  return text;
}

}  // namespace

TlsHandshake::TlsHandshake(SSL* ssl)
    : ssl_(ssl), streams_(::SSL_get_rbio(ssl)), in_(::BIO_new(::BIO_s_mem())), out_(::BIO_new(::BIO_s_mem())) {
  ::BIO_up_ref(streams_);
  ::SSL_set0_rbio(ssl_, in_);
  ::SSL_set0_wbio(ssl_, out_);
  if (in_ != nullptr) BIO_set_mem_eof_return(in_, -1);  // an empty buffer means retry, not end of file
}

TlsHandshake::~TlsHandshake() {
  ::BIO_free(streams_);
}

TlsHandshake::Step TlsHandshake::step(const std::string& received) {
  Step step;
  ::ERR_clear_error();
  std::size_t taken = 0;
  const bool whole = in_ != nullptr && out_ != nullptr &&
                     (received.empty() ||
                      (::BIO_write_ex(in_, received.data(), received.size(), &taken) == 1 && taken == received.size()));
  const int result = whole ? ::SSL_accept(ssl_) : -1;
  const int error = whole ? ::SSL_get_error(ssl_, result) : SSL_ERROR_SSL;
  ::ERR_clear_error();
  if (out_ != nullptr) step.send = drain(out_);
  if (result == 1) {
    step.state = State::kDone;
    step.first = read_all(ssl_);  // an incomplete record stays in `ssl_`
    step.send += drain(out_);
    ::BIO_up_ref(streams_);
    ::SSL_set0_rbio(ssl_, streams_);
    ::BIO_up_ref(streams_);
    ::SSL_set0_wbio(ssl_, streams_);
  } else if (error != SSL_ERROR_WANT_READ) {
    step.state = State::kFailed;
  }
  return step;
}

void TlsHandshake::step(asio::io_context& worker, asio::io_context& loop, std::string received,
                        std::function<void(Step)> then) {
  asio::post(worker, [this, &loop, received = std::move(received), then = std::move(then)]() mutable {
    auto made = step(received);
    asio::post(loop, [then = std::move(then), made = std::move(made)]() mutable { then(std::move(made)); });
  });
}

}  // namespace mete::agent
