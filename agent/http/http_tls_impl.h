// SPDX-License-Identifier: Apache-2.0
// The part of a session before its first request when the address speaks TLS. Internal to http_session.cpp.
#pragma once

#include <boost/asio/write.hpp>
#include <boost/beast/core/detect_ssl.hpp>
#include <boost/beast/core/error.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/http/asio_ssl.h"
#include "agent/http/http_message.h"
#include "agent/http/tls_handshake.h"

namespace mete::agent {

// `Session` derives from TlsBegin and provides shared_from_this(), shared_, stream_, lowest(), buffer_, piece_,
// limits(), closed_, await_request(), linger() and close().
template <class Session>
class TlsBegin {
 protected:
  void begin_tls() {
    own().lowest().expires_after(own().limits().fresh);
    boost::beast::async_detect_ssl(own().lowest(), own().buffer_,
                                   [self = own().shared_from_this()](ErrorCode error, bool tls) {
                                     if (error || self->closed_) return self->close();
                                     tls ? self->begin_handshake() : self->answer_plain();
                                   });
  }

 private:
  Session& own() { return static_cast<Session&>(*this); }

  // Answers a client that speaks plain HTTP to the TLS address.
  void answer_plain() {
    own().shared_->refused("tls");
    own().piece_ = whole_text(text_response(400, "This address speaks HTTPS; the request was plain HTTP.\n"));
    own().lowest().expires_after(own().limits().slow);
    asio::async_write(own().lowest(), asio::buffer(own().piece_),
                      [self = own().shared_from_this()](ErrorCode error, std::size_t) {
                        if (error) return self->close();
                        self->linger();
                      });
  }

  void begin_handshake() {
    handshake_ = std::make_unique<TlsHandshake>(own().stream_.native_handle());
    shake_hands();
  }

  // Makes a handshake step with the bytes received.
  void shake_hands() {
    auto& buffer = own().buffer_;
    std::string received(static_cast<const char*>(buffer.data().data()), buffer.size());
    buffer.consume(buffer.size());
    auto& loop = own().shared_->loop;
    asio::io_context* const worker = own().shared_->worker;
    handshake_->step(worker == nullptr ? loop : *worker, loop, std::move(received),
                     [self = own().shared_from_this()](TlsHandshake::Step step) { self->stepped(std::move(step)); });
  }

  void stepped(TlsHandshake::Step step) {
    if (own().closed_) return;
    own().piece_ = std::exchange(step.send, {});
    asio::async_write(own().lowest(), asio::buffer(own().piece_),
                      [self = own().shared_from_this(), step = std::move(step)](ErrorCode error, std::size_t) mutable {
                        if (error || step.state == TlsHandshake::State::kFailed) return self->no_handshake(error);
                        if (step.state == TlsHandshake::State::kDone) return self->have_handshake(step.first);
                        self->read_more();
                      });
  }

  void read_more() {
    constexpr std::size_t kRead = 4096;
    own().lowest().async_read_some(own().buffer_.prepare(kRead),
                                   [self = own().shared_from_this()](ErrorCode error, std::size_t size) {
                                     if (error) return self->no_handshake(error);
                                     self->buffer_.commit(size);
                                     self->shake_hands();
                                   });
  }

  void no_handshake(ErrorCode error) {
    if (own().closed_) return;
    own().shared_->refused(error == boost::beast::error::timeout ? "slow" : "tls");
    own().close();
  }

  void have_handshake(std::string_view first) {
    handshake_.reset();
    auto& buffer = own().buffer_;
    buffer.commit(asio::buffer_copy(buffer.prepare(first.size()), asio::buffer(first)));
    own().await_request(own().limits().fresh);
  }

  std::unique_ptr<TlsHandshake> handshake_;  // null outside the handshake
};

}  // namespace mete::agent
