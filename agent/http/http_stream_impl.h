// SPDX-License-Identifier: Apache-2.0
// The part of a session that sends endless answers. Internal to http_session.cpp.
#pragma once

#include <boost/asio/write.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/asio.h"
#include "agent/http/http_message.h"
#include "agent/http/http_types.h"

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

 protected:
  std::shared_ptr<HttpStream> begin_stream(std::string head, bool chunked) {
    chunked_ = chunked;
    queue(std::move(head));
    watch_peer();
    // The caller holds the stream; dropping it sends the last chunk.
    return std::shared_ptr<HttpStream>(this, [self = own().shared_from_this()](HttpStream*) { self->end_stream(); });
  }

  void report_closed() {
    if (auto callback = std::exchange(on_close_, nullptr)) callback();
  }

 private:
  Session& own() { return static_cast<Session&>(*this); }

  void queue(std::string bytes) {
    queued_bytes_ += bytes.size();
    queue_.push_back(std::move(bytes));
    if (queue_.size() == 1) write_next();
  }

  void write_next() {
    asio::async_write(own().stream_, asio::buffer(queue_.front()),
                      [self = own().shared_from_this()](ErrorCode error, std::size_t) { self->written(error); });
  }

  void written(ErrorCode error) {
    queued_bytes_ -= queue_.front().size();
    queue_.pop_front();
    if (error) {
      own().close();
    } else if (!queue_.empty()) {
      write_next();
    } else if (ended_) {
      own().close();
    }
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
  bool chunked_ = true;
  bool ended_ = false;
  char scratch_[64] = {};
};

}  // namespace mete::agent
