// SPDX-License-Identifier: Apache-2.0
// Functions of the samples of one series in a window. Pure. Internal to promql/.
#pragma once

#include <optional>
#include <span>

#include "collectors/promql/store.h"

namespace mete::collectors::promql {

// The samples of a window: moments from `first` up to, not including, `end`.
struct Window {
  const Moments& moments;
  std::span<const Run> runs;
  std::uint32_t first, end;
  Time begin_at, end_at;  // of the window, which may be wider than its samples
};

// How much a counter grew: resets counted, extrapolated to the window's ends where the samples come near them.
// Empty: fewer than two samples.
[[nodiscard]] std::optional<double> increase(const Window& window);
// The slope per second of the line through the samples, by least squares. Empty: fewer than two samples.
[[nodiscard]] std::optional<double> slope(const Window& window);
// The value at a moment; empty: the series was not there.
[[nodiscard]] std::optional<double> value_at(std::span<const Run> runs, std::uint32_t moment);

// The value below which a share `q` of the observations lies, from cumulative buckets (upper bound, count) in any
// order, as histogram_quantile() estimates it. NaN: no bucket for +Inf, or no observation.
[[nodiscard]] double quantile_of_buckets(double q, std::vector<std::pair<double, double>> buckets);

}  // namespace mete::collectors::promql
