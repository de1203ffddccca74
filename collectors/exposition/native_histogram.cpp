// SPDX-License-Identifier: Apache-2.0
#include "collectors/exposition/native_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mete::collectors {

void NativeHistogram::observe(double value, std::uint64_t times) {
  if (std::isnan(value) || times == 0) return;
  if (value <= kZeroThreshold) {
    zeros_ += times;
    return;
  }
  const double finite = std::min(value, std::numeric_limits<double>::max());
  const double index = std::ceil(std::ldexp(std::log2(finite), schema_));
  buckets_[static_cast<std::int32_t>(index)] += times;
  // Schema -4 has 16 buckets for all numbers that a double can be: the loop ends.
  while (buckets_.size() > kMostBuckets) coarsen();
}

// The upper bound of bucket i of schema n is that of bucket i/2, rounded up, of schema n-1.
void NativeHistogram::coarsen() {
  std::map<std::int32_t, std::uint64_t> merged;
  for (const auto& [index, count] : buckets_) merged[(index + 1) >> 1] += count;
  buckets_ = std::move(merged);
  --schema_;
}

}  // namespace mete::collectors
