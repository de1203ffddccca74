// SPDX-License-Identifier: Apache-2.0
// When a container is told of memory pressure, by the rule of systemd's services: it waited for memory for a tenth of
// the last second, and was not told within the last second. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "config/units.h"
#include "enforcers/memory_watch.h"

namespace mete::enforcers {

// systemd's defaults (MemoryPressureThresholdSec=), which its documentation of the protocol tells services to expect.
inline constexpr std::chrono::nanoseconds kNoticeWindow = std::chrono::seconds(1);
inline constexpr Ratio kNoticeShare{100'000};

class PressureNotice {
 public:
  // `stalled`: PSI's total of `some`, in nanoseconds.
  [[nodiscard]] bool due(Moment at, std::uint64_t stalled);
  // Where there is no PSI: the kernel says that it reclaims (v1 memory.pressure_level).
  [[nodiscard]] bool due(Moment at);
  // Is there some now? Then it is worth looking more often.
  [[nodiscard]] bool stalls() const;
  // Of this series of notices the first: after a pause of ten seconds.
  [[nodiscard]] bool is_news() const { return news_; }

 private:
  Window window_{kNoticeWindow};
  std::optional<Moment> told_;
  bool news_ = false;
};

}  // namespace mete::enforcers
