// SPDX-License-Identifier: Apache-2.0
// The numbers that the reader adds to samples: kills of the cgroups that are gone, lengths of throttled stretches.
#include "collectors/reader.h"

#include <gtest/gtest.h>

namespace mete::collectors {
namespace {

using std::chrono::milliseconds;

TEST(Throttling, StretchesFallIntoTheirBuckets) {
  ThrottleLengths lengths;
  observe(lengths, {10, milliseconds(100)}, {11, milliseconds(160)});
  EXPECT_EQ(lengths.buckets[6], 1U) << "60 ms is above 50 and below 100";
  observe(lengths, {11, milliseconds(160)}, {13, milliseconds(164)});
  EXPECT_EQ(lengths.buckets[1], 2U) << "two of 2 ms each";
  // Factor 2^(1/8): 60 ms is in (58.2, 63.4], 2 ms in (1.953, 2.129].
  EXPECT_EQ(lengths.native.buckets(), (std::map<std::int32_t, std::uint64_t>{{-71, 2}, {-32, 1}}));
  observe(lengths, {13, milliseconds(164)}, {14, milliseconds(5'164)});
  EXPECT_EQ(lengths.buckets.back(), 1U);
  observe(lengths, {14, milliseconds(5'164)}, {14, milliseconds(5'164)});
  EXPECT_EQ(lengths.sum, milliseconds(5'064));
  observe(lengths, {14, milliseconds(5'164)}, {1, milliseconds(1)});
  EXPECT_EQ(lengths.buckets[0], 1U) << "the cgroup was made again: its counters count from zero";
}

TEST(Throttling, IsLookedAtAsOftenAsItHappens) {
  EXPECT_EQ(next_interval(milliseconds(1'000), true, true), milliseconds(100));
  EXPECT_EQ(next_interval(milliseconds(100), false, true), milliseconds(200));
  EXPECT_EQ(next_interval(milliseconds(800), false, true), milliseconds(1'000));
  EXPECT_EQ(next_interval(milliseconds(800), false, false), milliseconds(1'600));
  EXPECT_EQ(next_interval(milliseconds(8'000), false, false), milliseconds(10'000));
}

TEST(Throttle, SeldomReadsAreMadeTogether) {
  using std::chrono::milliseconds;
  using Time = std::chrono::steady_clock::time_point;
  const Time begin{};
  EXPECT_EQ(next_read(begin + milliseconds(1), milliseconds(100)), begin + milliseconds(101));
  EXPECT_EQ(next_read(begin + milliseconds(1), milliseconds(1'000)), begin + milliseconds(1'001));
  EXPECT_EQ(next_read(begin + milliseconds(1), milliseconds(10'000)), begin + milliseconds(10'250));
  EXPECT_EQ(next_read(begin + milliseconds(240), milliseconds(10'000)), begin + milliseconds(10'250));
  EXPECT_EQ(next_read(begin + milliseconds(250), milliseconds(10'000)), begin + milliseconds(10'250));
}

}  // namespace
}  // namespace mete::collectors
