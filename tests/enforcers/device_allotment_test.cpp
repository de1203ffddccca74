// SPDX-License-Identifier: Apache-2.0
#include "enforcers/device_allotment.h"

#include <gtest/gtest.h>

namespace mete::enforcers {
namespace {

using Names = std::vector<std::string>;

config::Container wanting(const std::string& name, const std::map<std::string, std::int64_t>& wants,
                          bool sidecar = false) {
  config::Container made;
  made.name = name;
  made.resources.limits.devices = wants;
  made.sidecar = sidecar;
  return made;
}

TEST(DeviceAllotment, GivesTheFirstOfThoseThatAreFree) {
  config::PodSpec spec;
  spec.containers = {wanting("a", {{"v/c", 1}}), wanting("b", {{"v/c", 2}, {"v/d", 1}}), wanting("none", {})};
  const auto done = allot_devices(spec, {{"v/c", {"v/c=0", "v/c=1", "v/c=2", "v/c=3"}}, {"v/d", {"v/d=x"}}});
  EXPECT_TRUE(done.insufficient.empty());
  EXPECT_EQ(done.given, (std::map<std::string, Names>{{"a", {"v/c=0"}}, {"b", {"v/c=1", "v/c=2", "v/d=x"}}}));
  EXPECT_EQ(kinds_of_devices(spec), (Names{"v/c", "v/d"}));
}

TEST(DeviceAllotment, GivesNothingWhereAnythingLacks) {
  config::PodSpec spec;
  spec.containers = {wanting("a", {{"v/c", 1}}), wanting("b", {{"v/c", 1}, {"other.com/x", 1}, {"v/e", 1}})};
  const auto done = allot_devices(spec, {{"v/c", {"v/c=0"}}, {"v/e", {}}});
  EXPECT_TRUE(done.given.empty());
  EXPECT_EQ(done.insufficient, (Names{"other.com/x", "v/c", "v/e"}));
  EXPECT_EQ(insufficient_text({"example.com/dongle"}), "0/1 nodes are available: 1 Insufficient example.com/dongle.");
  EXPECT_EQ(insufficient_text({"a/b", "c/d"}), "0/1 nodes are available: 1 Insufficient a/b, 1 Insufficient c/d.");
}

TEST(DeviceAllotment, AnInitContainerPassesOnWhatItHadAndASidecarKeepsIt) {
  config::PodSpec spec;
  spec.init_containers = {wanting("init", {{"v/c", 2}}), wanting("side", {{"v/c", 1}}, true),
                          wanting("last", {{"v/c", 2}})};
  spec.containers = {wanting("main", {{"v/c", 2}})};
  const auto done = allot_devices(spec, {{"v/c", {"v/c=0", "v/c=1", "v/c=2", "v/c=3"}}});
  ASSERT_TRUE(done.insufficient.empty());
  EXPECT_EQ(done.given.at("init"), (Names{"v/c=0", "v/c=1"}));
  EXPECT_EQ(done.given.at("side"), (Names{"v/c=0"}));
  EXPECT_EQ(done.given.at("last"), (Names{"v/c=1", "v/c=2"}));
  EXPECT_EQ(done.given.at("main"), (Names{"v/c=1", "v/c=2"}));
  EXPECT_EQ(allot_devices(spec, {{"v/c", {"v/c=0", "v/c=1"}}}).insufficient, Names{"v/c"})
      << "three at once, with the sidecar";
  spec.init_containers[1].sidecar = false;
  EXPECT_TRUE(allot_devices(spec, {{"v/c", {"v/c=0", "v/c=1"}}}).insufficient.empty());
}

TEST(DeviceAllotment, NoneIsNoWish) {
  config::PodSpec spec;
  spec.containers = {wanting("a", {{"v/c", 0}})};
  EXPECT_TRUE(allot_devices(spec, {}).insufficient.empty());
}

}  // namespace
}  // namespace mete::enforcers
