// SPDX-License-Identifier: Apache-2.0
#include "enforcers/pressure_notice.h"

namespace mete::enforcers {

bool PressureNotice::due(Moment at, std::uint64_t stalled) {
  window_.see(at, stalled);
  const auto growth = window_.growth();
  return growth && enforcers::stalls(*growth, kNoticeShare) && due(at);
}

bool PressureNotice::due(Moment at) {
  constexpr auto kQuiet = std::chrono::seconds(10);
  if (told_ && at - *told_ < kNoticeWindow) return false;
  news_ = !told_ || at - *told_ >= kQuiet;
  told_ = at;
  return true;
}

bool PressureNotice::stalls() const {
  const auto growth = window_.last();
  return growth && growth->by > 0;
}

}  // namespace mete::enforcers
