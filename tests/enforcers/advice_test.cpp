// SPDX-License-Identifier: Apache-2.0
#include "enforcers/advice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mete::enforcers {
namespace {

using namespace literals;
using namespace std::chrono_literals;

const WallTime kBegin{std::chrono::hours(24 * 365 * 50)};

// Ends of buckets, by the formula and not by the code: 0.01 * (1.05^n - 1) / 0.05.
constexpr double kEndAbove100m = 0.110266;  // 9 buckets
constexpr double kEndAbove400m = 0.414305;  // 23 buckets

TEST(DecayingHistogram, APercentileIsTheUpperEndOfItsBucket) {
  DecayingHistogram histogram(kCpuShape);
  EXPECT_EQ(histogram.percentile(0.9), 0);
  EXPECT_TRUE(histogram.empty());
  for (int i = 0; i < 90; ++i) histogram.add(0.1, 1, kBegin);
  for (int i = 0; i < 10; ++i) histogram.add(0.4, 1, kBegin);
  EXPECT_NEAR(histogram.percentile(0.5), kEndAbove100m, 1e-5);
  EXPECT_NEAR(histogram.percentile(0.9), kEndAbove100m, 1e-5);
  EXPECT_NEAR(histogram.percentile(0.91), kEndAbove400m, 1e-5);
  EXPECT_NEAR(histogram.percentile(1), kEndAbove400m, 1e-5);
  EXPECT_NEAR(histogram.share_below(0.2), 0.9, 1e-9);
  EXPECT_NEAR(histogram.share_below(0.05), 0, 1e-9);
}

TEST(DecayingHistogram, WhatIsLongAgoCountsLess) {
  DecayingHistogram histogram(kCpuShape);
  for (int i = 0; i < 4; ++i) histogram.add(0.4, 1, kBegin);
  histogram.add(0.1, 1, kBegin + 24h);  // counts as two
  EXPECT_NEAR(histogram.share_below(0.2), 1.0 / 3, 1e-9);
  histogram.add(0.1, 1, kBegin + 48h);  // counts as four
  EXPECT_NEAR(histogram.share_below(0.2), 0.6, 1e-9);
}

TEST(DecayingHistogram, TenYearsDoNotOverflow) {
  DecayingHistogram histogram(kCpuShape);
  for (int day = 0; day < 3650; ++day) histogram.add(day < 3640 ? 0.4 : 0.1, 1, kBegin + day * 24h);
  EXPECT_TRUE(std::isfinite(histogram.total()));
  EXPECT_NEAR(histogram.share_below(0.2), 1 - std::exp2(-10), 1e-3);
}

TEST(DecayingHistogram, WhatIsNoNumberOrTooLargeDoesNoHarm) {
  DecayingHistogram histogram(kCpuShape);
  histogram.add(std::numeric_limits<double>::quiet_NaN(), 1, kBegin);
  histogram.add(1, std::numeric_limits<double>::infinity(), kBegin);
  EXPECT_TRUE(histogram.empty());
  histogram.add(-1, 1, kBegin);
  histogram.add(1e9, 1, kBegin);
  EXPECT_NEAR(histogram.total(), 2, 1e-9);
  EXPECT_LT(histogram.percentile(1), 1100);
  histogram.restore({-1, std::numeric_limits<double>::quiet_NaN(), 3}, kBegin);
  EXPECT_NEAR(histogram.total(), 3, 1e-9);
}

TEST(DecayingHistogram, WhatIsRemovedIsGone) {
  DecayingHistogram histogram(kMemoryShape);
  histogram.add(1e8, 1, kBegin);
  histogram.add(2e8, 1, kBegin + 1h);
  histogram.remove(2e8, 1, kBegin + 1h);
  EXPECT_NEAR(histogram.total(), 1, 1e-9);
  histogram.remove(1e8, 5, kBegin);
  EXPECT_TRUE(histogram.empty()) << "never below nothing";
}

UsageSample sample(int minute, double cores, Bytes memory, double throttled = 0, std::uint64_t ooms = 0) {
  return {.at = kBegin + minute * 1min,
          .over = 1min,
          .cores = cores,
          .throttled_cores = throttled,
          .memory = memory,
          .ooms = ooms};
}

TEST(UsageModel, MemoryIsOnePeakADay) {
  UsageModel model;
  for (int minute = 1; minute <= 3 * 24 * 60; ++minute)
    model.add(sample(minute, 0, minute % 60 == 0 ? 200_MiB : 100_MiB));
  EXPECT_EQ(model.peak(), 200_MiB);
  EXPECT_EQ(model.peaks.size(), 3U);
  EXPECT_EQ(model.memory.share_below(150.0 * (1 << 20)), 0) << "three days, each with its peak of 200 MiB";
}

TEST(UsageModel, OldWindowsAndOomsAreForgotten) {
  UsageModel model;
  for (int day = 0; day < 30; ++day) model.add(sample(day * 24 * 60 + 1, 0, day == 0 ? 900_MiB : 100_MiB, 0, 3));
  EXPECT_EQ(model.peaks.size(), UsageModel::kWindows);
  EXPECT_LT(model.peak(), 900_MiB);
  EXPECT_EQ(model.oom_wanted.size(), UsageModel::kOoms);
  EXPECT_EQ(model.ooms, 90U);
  UsageModel many;
  many.add(sample(1, 0, 100_MiB, 0, 1'000'000'000'000));
  EXPECT_EQ(many.oom_wanted.size(), UsageModel::kOoms);
}

TEST(UsageModel, AtAnOomItWantedMore) {
  UsageModel model;
  model.resources.requests.memory = 64_MiB;
  model.add(sample(1, 0, 32_MiB, 0, 1));
  EXPECT_EQ(model.oom_wanted.back(), 164_MiB) << "100 MiB above the larger of request and usage";
  model.add(sample(2, 0, 1000_MiB, 0, 1));
  EXPECT_EQ(model.oom_wanted.back(), 1200_MiB) << "or a fifth more";
}

TEST(Advice, WithoutASampleThereIsNone) {
  EXPECT_FALSE(advise(UsageModel(), {}));
}

// 21 hours at 0.1 cores, 3 hours at 0.4, of which it got 0.3: the last three hours hold (2 - 2^(21/24)) / (2 - 1)
// = 16.6 % of the decayed weight, so that p50 is in the lower bucket, p90 and p95 in the upper.
TEST(Advice, OfASyntheticDayIsWhatAHandComputes) {
  UsageModel model;
  model.resources.requests = {500_mCPU, 512_MiB, {}};
  model.resources.limits = {300_mCPU, 512_MiB, {}};
  for (int minute = 1; minute <= 24 * 60; ++minute) {
    const bool busy = minute > 21 * 60;
    model.add(sample(minute, busy ? 0.3 : 0.1, busy ? 200_MiB : 120_MiB, busy ? 0.1 : 0));
  }
  const auto advice = advise(model, {});
  ASSERT_TRUE(advice);
  EXPECT_NEAR(advice->days, 1, 1e-9);
  EXPECT_EQ(advice->cpu.request, 477_mCPU) << "0.414305 * 1.15";
  EXPECT_EQ(advice->cpu.limit, 477_mCPU);
  EXPECT_EQ(advice->cpu.lower, 127_mCPU) << "0.110266 * 1.15 * 1.001^-2 = 0.12655";
  EXPECT_EQ(advice->cpu.upper, 953_mCPU) << "0.414305 * 1.15 * 2";
  EXPECT_EQ(advice->memory.request, 237_MiB) << "200 MiB lies in the bucket that ends at 205.79 MiB; * 1.15 = 236.66";
  EXPECT_EQ(advice->memory.limit, 237_MiB) << "more than 200 MiB * 1.15 = 230";
  EXPECT_EQ(advice->cpu_freed, MilliCpu(500 - 477));
  EXPECT_EQ(advice->memory_freed, 512_MiB - 237_MiB);
  EXPECT_NEAR(advice->throttled_seconds, 180 * 60 * 0.1, 1e-6);
  EXPECT_NEAR(advice->throttled_avoided, 180 * 60 * 0.1, 1e-6) << "all of it was below 477m";
  EXPECT_EQ(advice->ooms, 0U);
  AdviceOptions median{.target = 0.5, .upper = 0.5, .margin = 0};
  const auto other = advise(model, median);
  EXPECT_EQ(other->cpu.request, 111_mCPU);
  EXPECT_EQ(other->throttled_avoided, 0);
  EXPECT_EQ(other->memory.limit, 206_MiB) << "one peak a day: every percentile is that";
}

TEST(Advice, OomsThatItWouldHaveAvoidedAreCounted) {
  UsageModel model;
  for (int minute = 1; minute <= 2000; ++minute) model.add(sample(minute, 0.01, 60_MiB, 0, minute == 1000 ? 1 : 0));
  const auto advice = advise(model, {});
  ASSERT_TRUE(advice);
  EXPECT_EQ(advice->ooms, 1U);
  EXPECT_EQ(advice->ooms_avoided, 1U);
  EXPECT_GE(advice->memory.limit, 160_MiB);
  EXPECT_FALSE(advice->cpu_freed) << "there is no request";
}

TEST(Advice, LittleHistoryIsAWideRangeAndANote) {
  UsageModel model;
  model.add(sample(1, 0.1, 60_MiB));
  const auto advice = advise(model, {});
  ASSERT_TRUE(advice);
  EXPECT_GT(advice->cpu.upper, MilliCpu(100'000));
  EXPECT_EQ(advice->cpu.request, 127_mCPU);
  ASSERT_FALSE(advice->notes.empty());
  EXPECT_NE(advice->notes.front().find("less than a day"), std::string::npos);
}

}  // namespace
}  // namespace mete::enforcers
