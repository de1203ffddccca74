// SPDX-License-Identifier: Apache-2.0
// A native histogram as Prometheus has it (prometheus.io/docs/specs/native_histograms): buckets whose bounds grow by
// the factor 2^(2^-schema), of which only those with observations exist. Values only; no thread may write while another
// reads.
#pragma once

#include <cstdint>
#include <map>

namespace mete::collectors {

class NativeHistogram {
 public:
  static constexpr int kFinest = 3;  // bounds grow by 9 %
  static constexpr std::size_t kMostBuckets = 100;
  static constexpr double kZeroThreshold = 1e-9;  // what is not above it counts as 0

  // Negative values count as 0: durations have none but by a clock that was set. NaN is not counted.
  void observe(double value, std::uint64_t times = 1);

  [[nodiscard]] int schema() const { return schema_; }
  [[nodiscard]] std::uint64_t zeros() const { return zeros_; }
  // Bucket `index` holds values in (base^(index - 1), base^index], base = 2^(2^-schema).
  [[nodiscard]] const std::map<std::int32_t, std::uint64_t>& buckets() const { return buckets_; }

 private:
  // Puts each two neighbours together, so that there are about half as many.
  void coarsen();

  int schema_ = kFinest;
  std::uint64_t zeros_ = 0;
  std::map<std::int32_t, std::uint64_t> buckets_;
};

}  // namespace mete::collectors
