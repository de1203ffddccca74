// SPDX-License-Identifier: Apache-2.0
// How a connection ends after our last words. Internal to http_session.cpp.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "agent/base/asio.h"

namespace mete::agent {

template <class Stream>
void drain(Stream& stream, std::shared_ptr<std::array<char, 4096>> scratch, std::function<void()> done) {
  const auto buffer = asio::buffer(*scratch);
  stream.async_read_some(
      buffer, [&stream, scratch = std::move(scratch), done = std::move(done)](ErrorCode error, std::size_t) mutable {
        if (error) return done();
        drain(stream, std::move(scratch), std::move(done));
      });
}

// Ends our side, and reads and forgets what the peer still sends until it ends too: closing on unread bytes would reset
// the connection before our last words are read (RFC 9112 9.6). `done` keeps what owns the stream.
template <class Stream>
void linger(Stream& stream, std::chrono::milliseconds most, std::function<void()> done) {
  ErrorCode ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  stream.expires_after(most);
  drain(stream, std::make_shared<std::array<char, 4096>>(), std::move(done));
}

}  // namespace mete::agent
