// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

namespace mete::bench {

struct Figures {
  double p50 = 0;
  double p99 = 0;
};

// Empty: there are no times.
[[nodiscard]] inline std::optional<Figures> figures(std::vector<double> times) {
  if (times.empty()) return std::nullopt;
  std::sort(times.begin(), times.end());
  return Figures{times[times.size() / 2], times[std::min(times.size() - 1, times.size() * 99 / 100)]};
}

}  // namespace mete::bench
