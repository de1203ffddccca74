// SPDX-License-Identifier: Apache-2.0
#include "collectors/promql/windows.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mete::collectors::promql {
namespace {

// Calls take(first, last, value) for each stretch of samples with one value.
template <class Take>
void each_stretch(const Window& window, Take take) {
  for (std::size_t i = 0; i < window.runs.size(); ++i) {
    const Run& run = window.runs[i];
    const std::uint32_t next = i + 1 < window.runs.size() ? window.runs[i + 1].from : window.end;
    const std::uint32_t first = std::max(run.from, window.first);
    const std::uint32_t end = std::min(next, window.end);
    if (first < end && !is_stale(run.value)) take(first, end - 1, static_cast<double>(run.value));
  }
}

}  // namespace

std::optional<double> increase(const Window& window) {
  std::size_t count = 0;
  Time first_at = 0;
  Time last_at = 0;
  double first = 0;
  double last = 0;
  double resets = 0;
  each_stretch(window, [&](std::uint32_t from, std::uint32_t to, double value) {
    if (count == 0) {
      first_at = window.moments.at(from);
      first = value;
    } else if (value < last) {
      resets += last;
    }
    count += to - from + 1;
    last_at = window.moments.at(to);
    last = value;
  });
  if (count < 2) return std::nullopt;
  const double grown = last - first + resets;
  const auto seconds = [](Time time) { return static_cast<double>(time) / 1000; };
  const double sampled = seconds(last_at - first_at);
  const double between = sampled / static_cast<double>(count - 1);
  // Samples that are near an end of the window, by a tenth more than their distance, stand for it up to the end; else
  // the series is taken to begin or end half a distance further. A counter is not taken to have been below zero.
  const double near_enough = between * 1.1;
  double before = seconds(first_at - window.begin_at);
  const double after = seconds(window.end_at - last_at);
  if (grown > 0 && first >= 0) before = std::min(before, sampled * (first / grown));
  const double covered =
      sampled + (before < near_enough ? before : between / 2) + (after < near_enough ? after : between / 2);
  return grown * (covered / sampled);
}

std::optional<double> slope(const Window& window) {
  double count = 0;
  double x_sum = 0;
  double y_sum = 0;
  double xy_sum = 0;
  double xx_sum = 0;
  double first = 0;
  bool constant = true;
  Time begin = 0;
  each_stretch(window, [&](std::uint32_t from, std::uint32_t to, double value) {
    for (std::uint32_t i = from; i <= to; ++i) {
      if (count == 0) {
        begin = window.moments.at(i);
        first = value;
      }
      constant = constant && value == first;
      // Relative to the first sample: the products of large numbers would lose digits.
      const double x = static_cast<double>(window.moments.at(i) - begin) / 1000;
      const double y = value - first;
      ++count;
      x_sum += x;
      y_sum += y;
      xy_sum += x * y;
      xx_sum += x * x;
    }
  });
  if (count < 2) return std::nullopt;
  if (constant) return std::isinf(first) ? std::numeric_limits<double>::quiet_NaN() : 0;
  return (xy_sum - x_sum * y_sum / count) / (xx_sum - x_sum * x_sum / count);
}

std::optional<double> value_at(std::span<const Run> runs, std::uint32_t moment) {
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    if (run->from > moment) continue;
    if (is_stale(run->value)) return std::nullopt;
    return run->value;
  }
  return std::nullopt;
}

double quantile_of_buckets(double q, std::vector<std::pair<double, double>> buckets) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  std::sort(buckets.begin(), buckets.end());
  if (buckets.empty() || !std::isinf(buckets.back().first) || buckets.back().first < 0) return kNaN;
  std::vector<std::pair<double, double>> whole;  // one for each bound, and never less than the one before
  for (const auto& [bound, count] : buckets) {
    if (!whole.empty() && whole.back().first == bound) {
      whole.back().second += count;
    } else {
      whole.emplace_back(bound, count);
    }
  }
  for (std::size_t i = 1; i < whole.size(); ++i) whole[i].second = std::max(whole[i].second, whole[i - 1].second);
  const double all = whole.back().second;
  if (whole.size() < 2 || !(all > 0)) return kNaN;
  const double rank = q * all;
  std::size_t in = 0;
  while (in + 1 < whole.size() && whole[in].second < rank) ++in;
  if (in + 1 == whole.size()) return whole[in - 1].first;
  if (in == 0 && whole[0].first <= 0) return whole[0].first;
  const double low = in == 0 ? 0 : whole[in - 1].first;
  const double below = in == 0 ? 0 : whole[in - 1].second;
  return low + (whole[in].first - low) * ((rank - below) / (whole[in].second - below));
}

}  // namespace mete::collectors::promql
