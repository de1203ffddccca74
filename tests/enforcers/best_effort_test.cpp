// SPDX-License-Identifier: Apache-2.0
#include "enforcers/best_effort.h"

#include <gtest/gtest.h>

namespace mete::enforcers {
namespace {

constexpr Ratio kShare{650'000};

TEST(BestEffort, HasWhatOthersLeaveOfItsShare) {
  EXPECT_DOUBLE_EQ(best_effort_budget(kShare, {.cpus = 10, .used = 5, .used_best_effort = 2}), 6.5 - 3);
  EXPECT_DOUBLE_EQ(best_effort_budget(kShare, {.cpus = 10, .used = 3, .used_best_effort = 2, .reserved = 2}), 6.5 - 2)
      << "kept for the system";
  EXPECT_DOUBLE_EQ(best_effort_budget(kShare, {.cpus = 10, .used = 10, .used_best_effort = 0}), 0.02)
      << "never nothing";
}

TEST(BestEffort, NobodyIsHeldWhileThereIsEnough) {
  for (const auto& held : hold_best_effort(3, 4, {{.used = 1}, {.used = 1.5, .held = std::nullopt}}))
    EXPECT_FALSE(held);
}

TEST(BestEffort, WhoWantsLittleHasItAndTheOthersShareEvenly) {
  const auto held = hold_best_effort(2, 4, {{.used = 3}, {.used = 0.15}, {.used = 2}});
  ASSERT_TRUE(held[0] && held[1] && held[2]);
  EXPECT_DOUBLE_EQ(*held[1], 0.2);
  EXPECT_DOUBLE_EQ(*held[0], 0.9);
  EXPECT_DOUBLE_EQ(*held[2], 0.9);
}

TEST(BestEffort, ShrinksAtOnceAndGrowsBySteps) {
  EXPECT_DOUBLE_EQ(*hold_best_effort(0.5, 4, {{.used = 2, .held = 2.0}}).at(0), 0.5);
  EXPECT_DOUBLE_EQ(*hold_best_effort(3, 4, {{.used = 2.5, .held = 0.5}}).at(0), 0.9) << "a tenth of the machine a step";
}

TEST(BestEffort, IsReleasedWhenTheLoadHasGone) {
  EXPECT_FALSE(hold_best_effort(2.5, 4, {{.used = 0.9, .held = 0.9}}).at(0));
}

TEST(BestEffort, SmallChangesAreNone) {
  EXPECT_FALSE(differs(1.0, 1.03, 4));
  EXPECT_TRUE(differs(1.0, 1.05, 4));
  EXPECT_TRUE(differs(std::nullopt, 1.0, 4));
  EXPECT_FALSE(differs(std::nullopt, std::nullopt, 4));
}

}  // namespace
}  // namespace mete::enforcers
