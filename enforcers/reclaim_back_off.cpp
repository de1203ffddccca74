// SPDX-License-Identifier: Apache-2.0
#include "enforcers/reclaim_back_off.h"

#include <algorithm>

namespace mete::enforcers {
namespace {

constexpr std::chrono::nanoseconds kFirst = std::chrono::seconds(2);
constexpr std::chrono::nanoseconds kLast = std::chrono::minutes(1);
constexpr std::int64_t kWorthATry = 32;  // usage grown by this part of it
constexpr std::int64_t kSomething = 16;  // this part of what was wanted

}  // namespace

bool ReclaimBackOff::due(Moment at, Bytes usage) const {
  return !in_vain() || at >= next_ ||
         usage.count() >= left_.count() + std::max<std::int64_t>(left_.count() / kWorthATry, 1);
}

bool ReclaimBackOff::ended(Moment at, Bytes before, Bytes after, Bytes target) {
  const bool enough = after <= target || (before - after).count() > (before - target).count() / kSomething;
  if (enough) {
    forget();
    return true;
  }
  const bool first = !in_vain();
  wait_ = first ? kFirst : std::min(wait_ * 2, kLast);
  next_ = at + std::chrono::duration_cast<Moment::duration>(wait_);
  left_ = after;
  return first;
}

}  // namespace mete::enforcers
