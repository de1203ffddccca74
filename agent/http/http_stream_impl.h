// SPDX-License-Identifier: Apache-2.0
// The part of a session that sends endless answers. Internal to http_session.cpp.
#pragma once

#include <boost/asio/write.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "agent/base/asio.h"
#include "agent/http/http_message.h"
#include "agent/http/http_types.h"
#include "agent/http/unix_peer.h"

namespace mete::agent {

// `Session` derives from StreamAnswer and provides shared_from_this(), stream_, limits(), closed_ and close().
template <class Session>
class StreamAnswer : public HttpStream {
 public:
  bool write(std::string_view chunk) override {
    if (own().closed_ || queued_bytes_ + chunk.size() > own().limits().queued) {
      own().close();
      return false;
    }
    if (!chunk.empty()) queue(chunked_ ? framed(std::string(chunk)) : std::string(chunk));
    return true;
  }

  void on_close(std::function<void()> callback) override { on_close_ = std::move(callback); }

  [[nodiscard]] std::size_t queued() const override { return queued_bytes_; }

  void on_drained(std::function<void()> callback) override { on_drained_ = std::move(callback); }

  void on_input(Input input) override {
    input_ = std::move(input);
    if (taken_over_ && input_ && !reading_)
      asio::post(own().shared_->loop, [self = own().shared_from_this()] { self->read_input(); });
  }

 protected:
  std::shared_ptr<HttpStream> begin_stream(std::string head, bool chunked) {
    chunked_ = chunked;
    queue(std::move(head));
    watch_peer();
    // The caller holds the stream; dropping it sends the last chunk.
    return std::shared_ptr<HttpStream>(this, [self = own().shared_from_this()](HttpStream*) { self->end_stream(); });
  }

  std::shared_ptr<HttpStream> begin_take_over(std::string head) {
    chunked_ = false;
    taken_over_ = true;
    own().lowest().expires_never();
    queue(std::move(head));
    return std::shared_ptr<HttpStream>(this, [self = own().shared_from_this()](HttpStream*) { self->end_stream(); });
  }

  void report_closed() {
    on_drained_ = nullptr;
    input_ = nullptr;
    if (auto callback = std::exchange(on_close_, nullptr)) callback();
  }

 private:
  Session& own() { return static_cast<Session&>(*this); }

  void queue(std::string bytes) {
    queued_bytes_ += bytes.size();
    queue_.push_back(std::move(bytes));
    if (queue_.size() == 1) write_next();
  }

  // Clients like docker-py take all that has come for the head of the answer, and then read the stream past their own
  // buffer. So what follows a head is written when the client has read that, or has not for long.
  [[nodiscard]] bool waits_for_head_to_be_read() {
    constexpr int kMost = 1000;
    constexpr auto kAgain = std::chrono::milliseconds(1);
    if (!head_is_out_ || !is_unread_by_peer(own().lowest().socket().native_handle()) || head_waits_ == kMost) {
      head_is_out_ = false;
      return false;
    }
    ++head_waits_;
    const auto timer = std::make_shared<Timer>(own().shared_->loop);
    timer->expires_after(kAgain);
    timer->async_wait([self = own().shared_from_this(), timer](ErrorCode) {
      if (!self->closed_) self->write_next();
    });
    return true;
  }

  void write_next() {
    if constexpr (Session::kLocal) {
      if (waits_for_head_to_be_read()) return;
    }
    asio::async_write(own().stream_, asio::buffer(queue_.front()),
                      [self = own().shared_from_this()](ErrorCode error, std::size_t) { self->written(error); });
  }

  void written(ErrorCode error) {
    queued_bytes_ -= queue_.front().size();
    queue_.pop_front();
    if (taken_over_ && !head_was_out_) head_was_out_ = head_is_out_ = true;
    if (error) {
      own().close();
    } else if (!queue_.empty()) {
      write_next();
    } else if (ended_ && taken_over_) {
      end_taken_over();
    } else if (ended_) {
      own().close();
    } else if (on_drained_) {
      const auto callback = on_drained_;  // it may set another one
      callback();
    }
  }

  // One read at a time: first what came with the request's head.
  void read_input() {
    if (own().closed_ || !input_ || reading_) return;
    if (auto& early = own().buffer_; early.size() > 0) {
      const std::string bytes(static_cast<const char*>(early.data().data()), early.size());
      early.consume(early.size());
      return give_input(bytes);
    }
    constexpr std::size_t kRead = 8192;
    input_bytes_.resize(kRead);
    reading_ = true;
    own().stream_.async_read_some(asio::buffer(input_bytes_),
                                  [self = own().shared_from_this()](ErrorCode error, std::size_t size) {
                                    self->reading_ = false;
                                    if (self->closed_) return;
                                    if (self->lingering_) return self->linger();
                                    self->give_input(std::string_view(self->input_bytes_).substr(0, error ? 0 : size));
                                    if (error && !self->closed_) self->watch_hangup();
                                  });
  }

  // The peer sends no more. Whether it still reads is known of a unix socket: one that is closed at both ends hangs up.
  // Whoever has only ended its input gets the rest of the output.
  void watch_hangup() {
    if constexpr (Session::kLocal) {
      if (std::exchange(watches_hangup_, true)) return;
      auto& socket = own().lowest().socket();
      // Before the look, so that no hang-up falls between the two.
      socket.async_wait(std::remove_reference_t<decltype(socket)>::wait_error,
                        [self = own().shared_from_this()](ErrorCode error) {
                          if (!error && !self->closed_ && has_hung_up(self->lowest().socket().native_handle()))
                            self->close();
                        });
      if (has_hung_up(socket.native_handle())) own().close();
    }
  }

  // Closed with input unread, the peer would be told of a reset. One read at a time, also for this.
  void end_taken_over() {
    if (!reading_) return own().linger();
    ErrorCode ignored;
    lingering_ = true;
    own().lowest().socket().cancel(ignored);
  }

  void give_input(std::string_view bytes) {
    const auto input = input_;  // it may be exchanged meanwhile
    if (!input) return;
    if (input(bytes) && !bytes.empty()) read_input();
  }

  // The peer of a stream is not expected to send anything: any input, or its end, closes the stream.
  void watch_peer() {
    own().stream_.async_read_some(asio::buffer(scratch_),
                                  [self = own().shared_from_this()](ErrorCode, std::size_t) { self->close(); });
  }

  void end_stream() {
    if (own().closed_) return;
    ended_ = true;
    queue(chunked_ ? std::string(kLastChunk) : std::string());
  }

  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::function<void()> on_close_;
  std::function<void()> on_drained_;
  Input input_;
  bool taken_over_ = false;
  bool head_was_out_ = false;  // of a connection that was taken over
  bool head_is_out_ = false;   // and nothing after it is
  int head_waits_ = 0;
  bool reading_ = false;
  bool lingering_ = false;
  bool watches_hangup_ = false;
  bool chunked_ = true;
  bool ended_ = false;
  char scratch_[64] = {};
  std::string input_bytes_;  // of a connection that was taken over
};

}  // namespace mete::agent
