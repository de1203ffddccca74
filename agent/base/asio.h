// SPDX-License-Identifier: Apache-2.0
// The parts of Boost.Asio that the agent uses; all other files include this header.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace mete::agent {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

// Bound to the loop's own executor. With asio's default, an executor of any type, each file that has a timer or a
// descriptor compiles the type erasure again (a second of CPU time), and each completion goes through it.
using AsioTimer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                             asio::io_context::executor_type>;
using Descriptor = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

// Asio's timer, made when it is first set: a container has some fifteen, of which it mostly uses three.
class Timer {
 public:
  explicit Timer(asio::io_context& loop) : loop_(&loop) {}

  void expires_after(std::chrono::steady_clock::duration time) { made().expires_after(time); }
  void expires_at(std::chrono::steady_clock::time_point at) { made().expires_at(at); }
  [[nodiscard]] std::chrono::steady_clock::time_point expiry() const {
    return timer_ ? timer_->expiry() : std::chrono::steady_clock::time_point();
  }
  template <class Handler>
  void async_wait(Handler&& handler) {
    made().async_wait(std::forward<Handler>(handler));
  }
  void cancel() {
    if (timer_) timer_->cancel();
  }

 private:
  AsioTimer& made() {
    if (!timer_) timer_ = std::make_unique<AsioTimer>(*loop_);
    return *timer_;
  }

  asio::io_context* loop_;
  std::unique_ptr<AsioTimer> timer_;
};

// Wraps completion handlers so that they do nothing once their object is destroyed or the operation was cancelled. Must
// be the last member of the object, so that it is destroyed first. Of one thread at a time, as the object itself.
class Alive {
 public:
  template <class Handler>
  auto guard(Handler handler) const {
    return [alive = token(), handler = std::move(handler)](ErrorCode error = {}) mutable {
      if (!error && !alive.expired()) handler();
    };
  }
  // The same for a handler with a value, which is called in any case while the object lives.
  template <class Handler>
  auto guard_value(Handler handler) const {
    return [alive = token(), handler = std::move(handler)](const auto& value) mutable {
      if (!alive.expired()) handler(value);
    };
  }

 private:
  [[nodiscard]] std::weak_ptr<char> token() const {
    if (!token_) token_ = std::make_shared<char>();
    return token_;
  }

  mutable std::shared_ptr<char> token_;  // null: nothing was guarded yet
};

}  // namespace mete::agent
