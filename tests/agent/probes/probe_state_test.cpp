// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/probe_state.h"

#include <gtest/gtest.h>

#include "agent/probes/prober.h"

namespace mete::agent {
namespace {

using namespace std::chrono_literals;
using enum ProbeResult;

ProbeState state(int success, int failure, Health from) {
  config::Probe probe;
  probe.success_threshold = success;
  probe.failure_threshold = failure;
  return {probe, from};
}

// The health after each result; the same as before where nothing changes.
std::vector<Health> healths(ProbeState state, const std::vector<ProbeResult>& results) {
  std::vector<Health> all;
  for (const auto result : results) {
    const auto changed = state.add(result);
    if (changed) {
      EXPECT_EQ(*changed, state.health());
    }
    all.push_back(state.health());
  }
  return all;
}

TEST(ProbeState, FailuresCountInARow) {
  using enum Health;
  EXPECT_EQ(healths(state(1, 3, kWell), {kFailure, kFailure, kSuccess, kFailure, kFailure, kFailure, kFailure}),
            (std::vector{kWell, kWell, kWell, kWell, kWell, kUnwell, kUnwell}));
}

TEST(ProbeState, SuccessesCountInARow) {
  using enum Health;
  EXPECT_EQ(healths(state(2, 1, kUnwell), {kSuccess, kFailure, kSuccess, kWarning, kFailure}),
            (std::vector{kUnwell, kUnwell, kUnwell, kWell, kUnwell}));
}

TEST(ProbeState, WhatCouldNotBeAskedCountsNeitherWay) {
  using enum Health;
  EXPECT_EQ(healths(state(1, 2, kWell), {kFailure, kUnknown, kFailure}), (std::vector{kWell, kWell, kUnwell}));
  EXPECT_EQ(healths(state(1, 1, kUnwell), {kUnknown, kUnknown}), (std::vector{kUnwell, kUnwell}));
}

TEST(ProbeState, AChangeIsToldOnce) {
  ProbeState probe = state(1, 1, Health::kNotKnown);
  EXPECT_EQ(probe.add(kSuccess), Health::kWell);
  EXPECT_EQ(probe.add(kSuccess), std::nullopt);
  EXPECT_EQ(probe.add(kFailure), Health::kUnwell);
  EXPECT_EQ(probe.add(kFailure), std::nullopt);
  EXPECT_EQ(probe.in_a_row(), 2);
}

TEST(ProbeState, AFreshContainerIsAliveAndNotReady) {
  EXPECT_EQ(health_at_first(ProbeKind::kLiveness), Health::kWell);
  EXPECT_EQ(health_at_first(ProbeKind::kReadiness), Health::kUnwell);
  EXPECT_EQ(health_at_first(ProbeKind::kStartup), Health::kNotKnown);
}

TEST(NextProbe, StandsOnTheGridOfTheStart) {
  EXPECT_EQ(next_probe(100s, 10s, 0s), 100s);
  EXPECT_EQ(next_probe(100s, 10s, 100s), 100s);
  EXPECT_EQ(next_probe(100s, 10s, 100s + 1ns), 110s);
  EXPECT_EQ(next_probe(100s, 10s, 110s), 110s);
  EXPECT_EQ(next_probe(100s, 10s, 1234s), 1240s);
}

TEST(TellingBudget, ManyAtOnceAndThenFew) {
  TellingBudget budget;
  int told = 0;
  for (int i = 0; i < 100; ++i) told += budget.take(1000s) ? 1 : 0;
  EXPECT_EQ(told, 25);
  EXPECT_FALSE(budget.take(1299s));
  EXPECT_TRUE(budget.take(1301s));
  EXPECT_FALSE(budget.take(1302s));
}

TEST(ProbeCounts, SuccessesHaveADuration) {
  ProbeCounts counts;
  EXPECT_TRUE(counts.empty());
  counts.add(kSuccess, 5ms);
  counts.add(kWarning, 20s);
  counts.add(kFailure, 1s);
  counts.add(kUnknown, 1s);
  EXPECT_EQ(counts.successful, 2U);
  EXPECT_EQ(counts.failed, 1U);
  EXPECT_EQ(counts.unknown, 1U);
  EXPECT_EQ(counts.durations.front(), 1U);
  EXPECT_EQ(counts.durations.back(), 1U);
  EXPECT_DOUBLE_EQ(counts.seconds, 20.005);
}

}  // namespace
}  // namespace mete::agent
