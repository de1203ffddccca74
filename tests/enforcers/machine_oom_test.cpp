// SPDX-License-Identifier: Apache-2.0
#include "enforcers/machine_oom.h"

#include <gtest/gtest.h>

namespace mete::enforcers {
namespace {

using namespace literals;

std::vector<std::string> order(const std::vector<OomCandidate>& candidates) {
  std::vector<std::string> names;
  for (const auto& each : rank(candidates)) names.push_back(candidates[each.index].name);
  return names;
}

TEST(MachineOom, ByPriorityThenUsageAboveRequestThenSize) {
  EXPECT_EQ(order({{"high", 10, 900_MiB, 0_B, ""}, {"low", -1, 1_MiB, 0_B, ""}, {"middle", 0, 500_MiB, 0_B, ""}}),
            (std::vector<std::string>{"low", "middle", "high"}));
  EXPECT_EQ(order({{"asked", 0, 500_MiB, 450_MiB, ""}, {"more", 0, 100_MiB, 8_MiB, ""}}),
            (std::vector<std::string>{"more", "asked"}));
  EXPECT_EQ(order({{"small", 0, 100_MiB, 200_MiB, ""}, {"large", 0, 150_MiB, 900_MiB, ""}}),
            (std::vector<std::string>{"large", "small"}))
      << "neither is above its request: by size, not by how far below";
  EXPECT_EQ(order({{"first", 0, 1_MiB, 0_B, ""}, {"second", 0, 1_MiB, 0_B, ""}}),
            (std::vector<std::string>{"first", "second"}));
}

TEST(MachineOom, TheProtectedAreLastWhateverTheyUse) {
  const std::vector<OomCandidate> candidates = {{"agent", -100, 900_MiB, 0_B, "it is named"},
                                                {"web", 100, 1_MiB, 4_MiB, ""}};
  EXPECT_EQ(order(candidates), (std::vector<std::string>{"web", "agent"}));
  const auto ranked = rank(candidates);
  EXPECT_EQ(ranked[0].reason, "priority 100, uses 1048576 bytes, 0 above its request");
  EXPECT_EQ(ranked[1].reason, "protected: it is named");
  EXPECT_TRUE(rank({}).empty());
}

TEST(MachineOom, APriorityIsTheNumberElseTheClusterWideClass) {
  config::PodSpec spec;
  EXPECT_EQ(priority_of(spec), 0);
  spec.priority_class = "system-node-critical";
  EXPECT_GE(priority_of(spec), kCriticalPriority);
  spec.priority_class = "mine";
  EXPECT_EQ(priority_of(spec), 0);
  spec.priority = -7;
  EXPECT_EQ(priority_of(spec), -7);
}

}  // namespace
}  // namespace mete::enforcers
