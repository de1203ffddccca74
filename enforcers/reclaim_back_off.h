// SPDX-License-Identifier: Apache-2.0
// The back-off after a reclaim that freed nothing: each further try comes later, and only the first failure is
// reported. Pure.
#pragma once

#include <chrono>

#include "config/base/units.h"

namespace mete::enforcers {

class ReclaimBackOff {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  // True: try now. Usage that has grown since the last try may be reclaimable.
  [[nodiscard]] bool due(Moment at, Bytes usage) const;
  // Records a try that aimed at `target` and brought usage from `before` to `after`. True: the try is reported, because
  // it freed memory or is the first that did not.
  [[nodiscard]] bool ended(Moment at, Bytes before, Bytes after, Bytes target);
  // True: the last try freed nothing.
  [[nodiscard]] bool in_vain() const { return wait_.count() > 0; }
  void forget() { wait_ = {}; }

 private:
  std::chrono::nanoseconds wait_{};  // 0: the last try freed something
  Moment next_{};
  Bytes left_;
};

}  // namespace mete::enforcers
