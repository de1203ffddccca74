// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/record/pod_paths.h"

#include <gtest/gtest.h>

#include "agent/pods/cgroup_parents.h"

namespace mete::agent {
namespace {

// The paths are where agents before this one have put them: a new one must find what they left.
TEST(PodPaths, AreWhereTheyAlwaysWere) {
  Settings settings;
  settings.state = "/S";
  settings.run = "/R";
  settings.cgroup_parent = "/P";
  const PodPaths paths(settings, {.uid = "u-1", .namespace_ = "shop", .name = "web"});
  EXPECT_EQ(paths.directory(), "/S/pods/u-1");
  EXPECT_EQ(paths.record(), "/S/pods/u-1/record.json");
  EXPECT_EQ(paths.sandbox(), "/S/pods/u-1/sandbox");
  EXPECT_EQ(paths.containers(), "/S/pods/u-1/containers");
  EXPECT_EQ(paths.container("main"), "/S/pods/u-1/containers/main");
  EXPECT_EQ(paths.attempt("main", 3), "/S/pods/u-1/containers/main/3");
  EXPECT_EQ(paths.run_directory(), "/R/pods/u-1");
  EXPECT_EQ(paths.etc(), "/R/pods/u-1/etc");
  EXPECT_EQ(paths.volumes().disk, "/S/pods/u-1/volumes");
  EXPECT_EQ(paths.volumes().memory, "/R/pods/u-1/volumes");
  EXPECT_EQ(paths.logs(), "/S/logs/shop_web");
  EXPECT_EQ(paths.log("main"), "/S/logs/shop_web/main.log");
  EXPECT_EQ(paths.cgroup(), "/P/shop_web");
  const PodPaths deep(settings, {.uid = "u-1", .namespace_ = "shop", .name = "web", .cgroup_parent = "team/a"});
  EXPECT_EQ(deep.cgroup(), "/P/team/a/shop_web");
  EXPECT_EQ(deep.directory(), paths.directory());
}

TEST(CgroupParents, AreWithinTheAgentsOwn) {
  const auto below = [](const char* asked) { return cgroup_parent_below("/P", asked); };
  EXPECT_EQ(below("").value(), "");
  EXPECT_EQ(below("/P").value(), "");
  EXPECT_EQ(below("/P/").value(), "");
  EXPECT_EQ(below("team").value(), "team");
  EXPECT_EQ(below("team.slice/a-1/").value(), "team.slice/a-1");
  EXPECT_EQ(below("/P/team").value(), "team");
  // Elsewhere, on the way to elsewhere, or one that would be taken for a pod's.
  for (const char* asked :
       {"/", "/other", "/Px", "/P/..", "/P/../other", "..", "a/../b", "./a", "a//b", "a_b", "/P/a b"})
    EXPECT_FALSE(below(asked)) << asked;
  EXPECT_EQ(
      below("/other").error().what,
      "found cgroup parent \"/other\", expected one in /P, where all containers of this agent are: /P/NAME, or NAME");
  EXPECT_FALSE(below(std::string(3000, 'a').c_str()));
}

}  // namespace
}  // namespace mete::agent
