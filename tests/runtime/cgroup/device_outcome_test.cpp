// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/devices/device_outcome.h"

#include <gtest/gtest.h>

namespace mete::runtime::cgroup {
namespace {

constexpr const char* kList = "c *:* m\nb *:* m\nc 1:3 rwm\nc 136:* rwm\nc 10:229 r\n";

TEST(DevicesList, IsReadAsTheKernelWritesIt) {
  const auto list = parse_devices_list(kList);
  EXPECT_FALSE(list.allow);
  ASSERT_EQ(list.exceptions.size(), 5U);
  EXPECT_FALSE(list.exceptions[0].major);
  EXPECT_EQ(list.exceptions[3].major, 136U);
  EXPECT_FALSE(list.exceptions[3].minor);
  EXPECT_TRUE(parse_devices_list("a *:* rwm\n").allow);
  EXPECT_TRUE(parse_devices_list("").exceptions.empty());
  EXPECT_TRUE(parse_devices_list("c x:3 rwm\nd 1:3 r\nc\n").exceptions.empty()) << "what is no line of it";
}

TEST(DeviceChanges, OnlyWhatIsDifferentAndWhatIsNewFirst) {
  const auto wanted = outcome_of({{},
                                  {true, 'c', std::nullopt, std::nullopt, "m"},
                                  {true, 'b', std::nullopt, std::nullopt, "m"},
                                  {true, 'c', 1, 3, "rw"},
                                  {true, 'c', 136, std::nullopt, "rwm"},
                                  {true, 'b', 7, 0, "r"}});
  const auto changes = device_changes(parse_devices_list(kList), wanted);
  ASSERT_TRUE(changes);
  EXPECT_EQ(*changes,
            (std::vector<DeviceRule>{{true, 'b', 7, 0, "r"}, {false, 'c', 1, 3, "m"}, {false, 'c', 10, 229, "r"}}));
  EXPECT_TRUE(device_changes(wanted, wanted)->empty());
}

TEST(DeviceChanges, AreNoneWhereTheAnswerForAllIsAnother) {
  EXPECT_FALSE(device_changes(parse_devices_list("a *:* rwm"), outcome_of({{}})));
  EXPECT_FALSE(device_changes(parse_devices_list(kList), outcome_of({{.allow = true}})));
}

}  // namespace
}  // namespace mete::runtime::cgroup
