// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/cgroup/hierarchies.h"

namespace mete::runtime::cgroup {
namespace {

constexpr std::string_view kCoMounted =
    "25 20 0:22 / /sys/fs/cgroup ro,nosuid shared:8 - tmpfs tmpfs ro,mode=755\n"
    "26 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "27 25 0:24 / /sys/fs/cgroup/memory rw,relatime shared:10 master:2 - cgroup cgroup rw,memory\n"
    "28 25 0:25 / /sys/fs/cgroup/net_cls,net_prio rw - cgroup cgroup rw,net_cls,net_prio\n"
    "29 25 0:26 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset,clone_children\n"
    "30 25 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/lib/cpu,name=systemd\n";

TEST(Hierarchies, CoMountedControllersShareOneDirectory) {
  const auto found = parse_hierarchies(kCoMounted, "").value();
  EXPECT_EQ(found.mode, Mode::kV1);
  EXPECT_EQ(found.v1.at("cpu"), "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(found.v1.at("cpuacct"), "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(found.named.at("systemd"), "/sys/fs/cgroup/systemd");
  EXPECT_EQ(found.v1.size(), 6U) << "rw, xattr, clone_children and release_agent are no controllers";
  EXPECT_EQ(found.v1_mounts(),
            (std::vector<std::string>{"/sys/fs/cgroup/cpuset", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu,cpuacct",
                                      "/sys/fs/cgroup/net_cls,net_prio"}));
  EXPECT_TRUE(found.mount_of("io").empty());
}

TEST(Hierarchies, EscapedPathsAreUnescaped) {
  const auto found =
      parse_hierarchies("1 0 0:1 / /a\\040b\\011c\\134d\\012e rw - cgroup2 none rw\n", "cpu  io\n memory").value();
  EXPECT_EQ(found.mode, Mode::kV2);
  EXPECT_EQ(found.v2_mount, "/a b\tc\\d\ne");
  EXPECT_EQ(found.v2_controllers, (std::vector<std::string>{"cpu", "io", "memory"}));
  EXPECT_EQ(found.mount_of("io"), found.v2_mount);
}

TEST(Hierarchies, NamedV1BesideV2IsV2) {
  const auto found = parse_hierarchies(
      "1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n2 0 0:2 / /x rw - cgroup cgroup rw,name=elogind\n", "cpu");
  EXPECT_EQ(found->mode, Mode::kV2);
}

TEST(Hierarchies, TheWholeHierarchyIsPreferredToABindMountOfAPart) {
  const auto found = parse_hierarchies(
      "1 0 0:1 /docker/x /part rw - cgroup cgroup rw,memory\n2 0 0:1 / /whole rw - cgroup cgroup rw,memory\n"
      "3 0 0:1 / /again rw - cgroup cgroup rw,memory\n4 0 0:3 /a /only rw - cgroup cgroup rw,cpu\n",
      "");
  EXPECT_EQ(found->v1.at("memory"), "/whole");
  EXPECT_EQ(found->v1.at("cpu"), "/only");
}

TEST(Hierarchies, NoCgroupsAndBrokenLinesAreToldOrLeftOut) {
  EXPECT_FALSE(parse_hierarchies("", ""));
  EXPECT_FALSE(parse_hierarchies("1 0 0:1 / /proc rw - proc proc rw\n", ""));
  EXPECT_FALSE(parse_hierarchies("1 0 0:1 / /x rw shared:1\n\n - cgroup2\n1 2 3 4 5 6 -", ""));
}

TEST(Hierarchies, FixturesStandInForTheMachine) {
  const std::string fixtures = METE_SOURCE_DIR "/tests/fixtures/";
  const auto hybrid = find_hierarchies(fixtures + "v1-6.18-hybrid/proc", fixtures + "v1-6.18-hybrid");
  ASSERT_TRUE(hybrid) << hybrid.error().what;
  EXPECT_EQ(hybrid->mode, Mode::kHybrid);
  EXPECT_EQ(hybrid->v2_controllers, std::vector<std::string>{"hugetlb"});
  EXPECT_EQ(hybrid->v1.at("memory"), fixtures + "v1-6.18-hybrid/sys/fs/cgroup/memory");
  const auto v2 = find_hierarchies(fixtures + "v2-6.1/proc", fixtures + "v2-6.1");
  ASSERT_TRUE(v2) << v2.error().what;
  EXPECT_EQ(v2->mode, Mode::kV2);
  EXPECT_TRUE(v2->on_v2("memory"));
  EXPECT_FALSE(find_hierarchies(fixtures + "none"));
}

TEST(Hierarchies, AreKnownAsLongAsEachIsTheSameMount) {
  const auto found = find_hierarchies();
  if (!found) GTEST_SKIP() << found.error().what;
  const auto known = known_hierarchies(found->mounts);
  if (!known) GTEST_SKIP() << "needs statx() with the ids of mounts, Linux 5.8";
  EXPECT_EQ(known->v1, found->v1);
  EXPECT_EQ(known->named, found->named);
  EXPECT_EQ(known->v2_mount, found->v2_mount);
  EXPECT_EQ(known->v2_controllers, found->v2_controllers);
  EXPECT_EQ(known->mode, found->mode);
  EXPECT_EQ(known->mounts, found->mounts);
  EXPECT_FALSE(known_hierarchies(""));
  EXPECT_FALSE(known_hierarchies("1" + found->mounts)) << "another id";
  EXPECT_FALSE(known_hierarchies(found->mounts + "7 1 0:99 / /no/such/place rw - cgroup cgroup rw,memory\n"));
}

TEST(Hierarchies, AreNotedInShortLines) {
  const auto found = parse_hierarchies(
      "35 24 0:30 / /sys/fs/cgroup/my\\040cpu rw,nosuid,relatime shared:7 - cgroup cgroup rw,cpu,cpuacct\n"
      "36 24 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
      "37 24 0:32 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
      "38 24 0:33 / /sys/fs/cgroup/systemd rw - cgroup none rw,name=systemd\n"
      "39 24 0:34 / /no/such/unified rw,relatime - cgroup2 cgroup2 rw,memory_localevents\n",
      "hugetlb");
  ASSERT_TRUE(found) << found.error().what;
  const auto noted = noted_hierarchies(found->mounts);
  ASSERT_TRUE(noted);
  EXPECT_EQ(noted->v1, found->v1);
  EXPECT_EQ(noted->v1.at("cpuacct"), "/sys/fs/cgroup/my cpu");
  EXPECT_EQ(noted->named, found->named);
  EXPECT_EQ(noted->v2_mount, found->v2_mount);
  EXPECT_EQ(noted->mode, found->mode);
  EXPECT_EQ(noted->mounts, found->mounts) << "short lines stay as they are";
  EXPECT_NE(found->mounts.find("memory_localevents"), std::string::npos);
  EXPECT_TRUE(noted->v2_controllers.empty()) << "not read where v1 has memory and pids";
  EXPECT_FALSE(noted_hierarchies(""));
  EXPECT_FALSE(noted_hierarchies("39 24 0:34 / /no/such/unified rw - cgroup2 cgroup2 rw\n"))
      << "where they would be needed, they have to be there";
}

TEST(Memberships, LinesOfBothVersions) {
  const auto all = parse_memberships("9:name=systemd:/\n4:cpu,cpuacct:/mete/web:x (deleted)\n0::/mete/web\nbroken\n");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].controllers, (std::vector<std::string>{"cpu", "cpuacct"}));
  EXPECT_EQ(all[1].path, "/mete/web:x");
  EXPECT_TRUE(all[2].controllers.empty());
  EXPECT_EQ(all[2].path, "/mete/web");
}

}  // namespace
}  // namespace mete::runtime::cgroup
