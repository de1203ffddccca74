// SPDX-License-Identifier: Apache-2.0
// Closes a connection after the last response. Internal to http_session.cpp.
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

// Shuts down sending, then reads and discards what the peer sends until the peer closes too: closing with unread bytes
// would reset the connection before the peer has read the response (RFC 9112 9.6). `done` keeps the stream's owner
// alive.
template <class Stream>
void linger(Stream& stream, std::chrono::milliseconds most, std::function<void()> done) {
  ErrorCode ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  stream.expires_after(most);
  drain(stream, std::make_shared<std::array<char, 4096>>(), std::move(done));
}

}  // namespace mete::agent
