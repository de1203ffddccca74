// SPDX-License-Identifier: Apache-2.0
// Decides when a container is notified of memory pressure, by systemd's rule for services: the container waited for
// memory for a tenth of the last second, and was not notified within the last second. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "config/base/units.h"
#include "enforcers/memory_watch.h"

namespace mete::enforcers {

// systemd's defaults (MemoryPressureThresholdSec=), which its documentation of the protocol lets services expect.
inline constexpr std::chrono::nanoseconds kNoticeWindow = std::chrono::seconds(1);
inline constexpr Ratio kNoticeShare{100'000};

class PressureNotice {
 public:
  // True: notify now. `stalled`: PSI's total of `some`, in nanoseconds.
  [[nodiscard]] bool due(Moment at, std::uint64_t stalled);
  // The same without PSI: the kernel has reported reclaim (v1 memory.pressure_level).
  [[nodiscard]] bool due(Moment at);
  // True: there is pressure now, a reason to read more often.
  [[nodiscard]] bool stalls() const;
  // True: this notice is the first one after a pause of ten seconds.
  [[nodiscard]] bool is_news() const { return news_; }

 private:
  Window window_{kNoticeWindow};
  std::optional<Moment> told_;
  bool news_ = false;
};

}  // namespace mete::enforcers
