// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/parent_limits.h"

#include <gtest/gtest.h>

namespace mete::agent {
namespace {

TEST(ParentLimits, AreThoseOfTheCgroupsAboveOne) {
  using Set = std::set<std::string>;
  EXPECT_EQ(cgroups_above("/mete/default_web/main"), Set({"/mete", "/mete/default_web"}));
  EXPECT_EQ(cgroups_above("/system.slice/mete"), Set({"/system.slice"}));
  EXPECT_EQ(cgroups_above("/mete"), Set()) << "the root has no limits";
  EXPECT_EQ(cgroups_above(""), Set());
}

}  // namespace
}  // namespace mete::agent
