// SPDX-License-Identifier: Apache-2.0
// The last minute of one number, in the resolution in which it was read, in little memory.
#pragma once

#include <chrono>

#include "config/base/fifo.h"
#include "config/base/units.h"

namespace mete::collectors {

class UsageHistory {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  struct Point {
    Moment at;
    Bytes usage;
  };
  static constexpr auto kKept = std::chrono::seconds(60);
  static constexpr std::size_t kMostPoints = 1024;

  // Adds a point. Of a stretch of equal values the first and the last point are kept. When there are too many points,
  // every second one of the older half is removed.
  void see(Moment at, Bytes usage);
  [[nodiscard]] const config::Fifo<Point>& points() const { return points_; }  // the oldest first

 private:
  config::Fifo<Point> points_;
};

}  // namespace mete::collectors
