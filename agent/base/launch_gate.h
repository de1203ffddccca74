// SPDX-License-Identifier: Apache-2.0
// Bounds the number of launches that run at the same time; further launches wait in a queue. A thousand containers
// started at once would slow each other down.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "agent/base/asio.h"

namespace mete::agent {

class LaunchGate {
 public:
  explicit LaunchGate(unsigned at_once) : free_(at_once) {}
  void enter(std::function<void()> launch) {
    if (free_ == 0) {
      waiting_.push_back(std::move(launch));
      return;
    }
    --free_;
    ++begun_;
    launch();
  }
  void leave(asio::io_context& loop) {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    ++begun_;
    // The next launch starts from the loop and not from here, because the caller is in the middle of its own launch.
    asio::post(loop, std::move(waiting_.front()));
    waiting_.pop_front();
  }
  // All launches so far.
  [[nodiscard]] std::uint64_t begun() const { return begun_; }

 private:
  unsigned free_;
  std::uint64_t begun_ = 0;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace mete::agent
