// SPDX-License-Identifier: Apache-2.0
// A queue of work that takes milliseconds (making and removing cgroups, writing records), one piece per turn of the
// loop: a thousand pods that end together must not delay an OOM or a scrape.
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "agent/base/asio.h"

namespace mete::agent {

class Turns {
 public:
  explicit Turns(asio::io_context& loop) : loop_(loop) {}
  void add(std::function<void()> work) {
    work_.push_back(std::move(work));
    if (!std::exchange(posted_, true)) asio::post(loop_, [this] { run_one(); });
  }

 private:
  void run_one() {
    // The next piece is queued even if this one throws; it runs after the events that the kernel has reported
    // meanwhile.
    const auto work = std::move(work_.front());
    work_.pop_front();
    posted_ = !work_.empty();
    if (posted_) asio::post(loop_, [this] { run_one(); });
    work();
  }

  asio::io_context& loop_;
  std::deque<std::function<void()>> work_;
  bool posted_ = false;
};

}  // namespace mete::agent
