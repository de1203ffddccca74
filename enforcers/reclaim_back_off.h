// SPDX-License-Identifier: Apache-2.0
// When a reclaim is tried again that could free nothing: later and later, and told once. Pure.
#pragma once

#include <chrono>

#include "config/units.h"

namespace mete::enforcers {

class ReclaimBackOff {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  // Is it worth a try? Usage that has grown since the last one may be what can be reclaimed.
  [[nodiscard]] bool due(Moment at, Bytes usage) const;
  // A try has brought usage from `before` to `after`, and was to bring it to `target`. True: it is to be told, as it
  // freed something, or as the first that did not.
  [[nodiscard]] bool ended(Moment at, Bytes before, Bytes after, Bytes target);
  // Was the last one for nothing?
  [[nodiscard]] bool in_vain() const { return wait_.count() > 0; }
  void forget() { wait_ = {}; }

 private:
  std::chrono::nanoseconds wait_{};  // 0: the last one freed something
  Moment next_{};
  Bytes left_;
};

}  // namespace mete::enforcers
