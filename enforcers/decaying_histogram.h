// SPDX-License-Identifier: Apache-2.0
// A histogram of used amounts in which recent samples weigh more than old ones. Pure.
//
// Buckets grow exponentially and weights halve with each half-life: the histogram of the Kubernetes vertical pod
// autoscaler, so that advice from it is comparable.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "enforcers/restart.h"

namespace mete::enforcers {

struct HistogramShape {
  double first = 0;                   // width of the first bucket
  double ratio = 0;                   // width of a bucket / width of the one before
  double most = 0;                    // larger values count as this one
  std::chrono::seconds half_life{0};  // 0: weights do not decay
  bool operator==(const HistogramShape&) const = default;
};

inline constexpr HistogramShape kCpuShape{0.01, 1.05, 1000, std::chrono::hours(24)};    // cores
inline constexpr HistogramShape kMemoryShape{1e7, 1.05, 1e12, std::chrono::hours(24)};  // bytes
inline constexpr HistogramShape kThrottledShape{0.01, 1.05, 1000, std::chrono::seconds(0)};

class DecayingHistogram {
 public:
  explicit DecayingHistogram(const HistogramShape& shape);

  void add(double value, double weight, WallTime at);
  // Undoes add() with the same arguments.
  void remove(double value, double weight, WallTime at) { add(value, -weight, at); }
  // The upper end of the bucket up to which `share` (0 to 1) of all weight lies; 0 when the histogram is empty.
  [[nodiscard]] double percentile(double share) const;
  // Share of the weight in buckets that end at or below `value`; 0 when the histogram is empty.
  [[nodiscard]] double share_below(double value) const;
  [[nodiscard]] bool empty() const { return total_ <= kLeast; }
  [[nodiscard]] double total() const { return total_; }  // as of reference()

  // The state to store, for restore(). Buckets above the largest value that was added are left out.
  [[nodiscard]] const std::vector<double>& weights() const { return weights_; }
  [[nodiscard]] std::size_t buckets() const { return bucket_of(shape_.most) + 1; }  // that there can be
  [[nodiscard]] WallTime reference() const { return reference_; }
  // Restores stored state. Weights beyond the number of buckets, negative weights and those that are no number are left
  // out.
  void restore(const std::vector<double>& weights, WallTime reference);

 private:
  static constexpr double kLeast = 1e-9;  // smaller totals are rounding errors
  [[nodiscard]] std::size_t bucket_of(double value) const;
  [[nodiscard]] double start_of(std::size_t bucket) const;
  [[nodiscard]] double factor(WallTime at);

  HistogramShape shape_;
  std::vector<double> weights_;
  double total_ = 0;
  WallTime reference_{};  // time at which a weight counts undecayed
};

}  // namespace mete::enforcers
