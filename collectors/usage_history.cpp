// SPDX-License-Identifier: Apache-2.0
#include "collectors/usage_history.h"

namespace mete::collectors {

void UsageHistory::see(Moment at, Bytes usage) {
  while (points_.size() > 1 && at - points_[1].at > kKept) points_.pop_front();
  const std::size_t count = points_.size();
  const bool same = count >= 2 && points_[count - 1].usage == usage && points_[count - 2].usage == usage;
  if (same) {
    points_.back().at = at;
    return;
  }
  if (count >= kMostPoints) {
    config::Fifo<Point> thinned;
    for (std::size_t i = 0; i < count; ++i) {
      if (i % 2 == 0 || i > count / 2) thinned.push_back(points_[i]);
    }
    points_ = std::move(thinned);
  }
  points_.push_back({at, usage});
}

}  // namespace mete::collectors
