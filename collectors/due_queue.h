// SPDX-License-Identifier: Apache-2.0
// Which of many named things is to be read next, and when: a thousand are not looked at to find the one that is due.
//
// The queue is not told when a thing goes. Whoever takes a name looks whether it is still there and due, and only then
// reads it and adds it again; so there is always a time in the queue that is not after the thing's own.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

namespace mete::collectors {

class DueQueue {
 public:
  using Clock = std::chrono::steady_clock;

  void add(Clock::time_point due, std::string name) { waiting_.emplace(due, std::move(name)); }
  // The earliest time; empty: nothing waits.
  [[nodiscard]] std::optional<Clock::time_point> first() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.top().first);
  }
  // Takes the earliest name, if its time has come.
  [[nodiscard]] std::optional<std::string> take(Clock::time_point now) {
    if (waiting_.empty() || waiting_.top().first > now) return std::nullopt;
    std::string name = waiting_.top().second;
    waiting_.pop();
    return name;
  }

 private:
  using Entry = std::pair<Clock::time_point, std::string>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> waiting_;
};

}  // namespace mete::collectors
