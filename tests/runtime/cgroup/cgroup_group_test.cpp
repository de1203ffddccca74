// SPDX-License-Identifier: Apache-2.0
// Groups on a directory tree that stands in for the kernel: what is written where. Real behaviour: tests/root.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "runtime/cgroup/cgroup.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

class GroupTest : public ::testing::Test {
 protected:
  GroupTest() {
    char path[] = "/tmp/mete-cgroup-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  ~GroupTest() override { std::filesystem::remove_all(root_); }
  void put(const std::string& path, std::string_view text) const {
    ASSERT_TRUE(make_directories(std::filesystem::path(root_ + path).parent_path()));
    ASSERT_TRUE(replace_file(root_ + path, text));
  }
  [[nodiscard]] std::string get(const std::string& path) const {
    return read_file(AT_FDCWD, root_ + path).value_or("(none)");
  }
  [[nodiscard]] Hierarchies v2() const {
    Hierarchies machine;
    machine.mode = Mode::kV2;
    machine.v2_mount = root_;
    machine.v2_controllers = {"cpu", "memory", "pids", "hugetlb"};
    return machine;
  }
  std::string root_;
};

TEST_F(GroupTest, PathsAreChecked) {
  const Hierarchies machine = v2();
  for (const char* const bad : {"", "mete", "/mete/", "//mete", "/mete//x", "/..", "/mete/../x", "/mete/.", "/a\nb"}) {
    EXPECT_FALSE(Group::at(machine, bad)) << bad;
  }
  for (const char* const good : {"/", "/mete", "/mete/default_web/main", "/a/..b/c.."}) {
    EXPECT_TRUE(Group::at(machine, good)) << good;
  }
  EXPECT_FALSE(Group::at(machine, "/mete")->child("../x"));
  EXPECT_FALSE(Group::at(machine, "/mete")->child(""));
  EXPECT_EQ(Group::at(machine, "/")->child("x")->path(), "/x");
}

TEST_F(GroupTest, V2EnablesWhatIsMissingFromTheRootDown) {
  put("/cgroup.subtree_control", "cpu pids\n");
  put("/mete/cgroup.subtree_control", "pids cpu\n");
  put("/mete/pod/cgroup.subtree_control", "cpu pids");
  const Hierarchies machine = v2();
  const Group group = Group::at(machine, "/mete/pod/main").value();
  ASSERT_TRUE(group.create());
  // A plain file keeps the last write: it shows that each level was written, and not with what is there or not wanted.
  EXPECT_EQ(get("/cgroup.subtree_control").substr(0, 7), "+memory");
  EXPECT_EQ(get("/mete/cgroup.subtree_control").substr(0, 7), "+memory");
  EXPECT_EQ(get("/mete/pod/cgroup.subtree_control").substr(0, 7), "+memory");
  EXPECT_TRUE(std::filesystem::is_directory(root_ + "/mete/pod/main"));
  EXPECT_EQ(group.unified_directory(), root_ + "/mete/pod/main");
  EXPECT_EQ(group.memory_events_file(), root_ + "/mete/pod/main/memory.events");
}

TEST_F(GroupTest, AFailedCreateLeavesNothing) {
  const Hierarchies machine = v2();  // no cgroup.subtree_control here: enabling fails
  const Group group = Group::at(machine, "/mete/pod/main").value();
  const auto made = group.create();
  ASSERT_FALSE(made);
  EXPECT_FALSE(std::filesystem::exists(root_ + "/mete"));
}

TEST_F(GroupTest, V1CpusetIsFilledFromAbove) {
  Hierarchies machine;
  machine.v1 = {{"cpuset", root_ + "/cpuset"}, {"memory", root_ + "/memory"}};
  put("/cpuset/cpuset.cpus", "0-3\n");
  put("/cpuset/cpuset.mems", "0\n");
  for (const char* const level : {"/mete", "/mete/web"}) {
    put(std::string("/cpuset") + level + "/cpuset.cpus", "\n");
    put(std::string("/cpuset") + level + "/cpuset.mems", "\n");
  }
  put("/cpuset/mete/cpuset.cpus", "1\n");
  put("/memory/x", "");
  const Group group = Group::at(machine, "/mete/web").value();
  ASSERT_TRUE(group.create());
  EXPECT_EQ(get("/cpuset/mete/cpuset.cpus"), "1\n") << "what is set stays";
  EXPECT_EQ(get("/cpuset/mete/web/cpuset.cpus").substr(0, 1), "1");
  EXPECT_EQ(get("/cpuset/mete/web/cpuset.mems").substr(0, 1), "0");
  EXPECT_EQ(group.procs_files(), (std::vector<std::string>{root_ + "/cpuset/mete/web/cgroup.procs",
                                                           root_ + "/memory/mete/web/cgroup.procs"}));
}

TEST_F(GroupTest, V2MemoryBelowUsageIsRefusedBeforeAnythingIsWritten) {
  put("/m/memory.current", "5000000\n");
  put("/m/memory.max", "max\n");
  put("/m/memory.reclaim", "");
  const Hierarchies machine = v2();
  const Group group = Group::at(machine, "/m").value();
  Limits limits;
  limits.memory = Limit<Bytes>(Bytes(4'000'000));
  const auto refused = group.apply(limits);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_busy(refused.error()));
  EXPECT_EQ(get("/m/memory.max"), "max\n");
  EXPECT_EQ(get("/m/memory.reclaim"), "1000000");
  limits.memory = Limit<Bytes>(Bytes(6'000'000));
  EXPECT_TRUE(group.apply(limits));
  EXPECT_EQ(get("/m/memory.max"), "6000000");
}

TEST_F(GroupTest, AMissingFileIsNotAMissingGroup) {
  put("/m/memory.current", "1\n");
  const Hierarchies machine = v2();
  const auto file = Group::at(machine, "/m")->read("memory", "memory.peak");
  EXPECT_EQ(file.error().code, EOPNOTSUPP);
  EXPECT_FALSE(is_gone(file.error()));
  EXPECT_TRUE(is_gone(Group::at(machine, "/none")->read("memory", "memory.peak").error()));
  EXPECT_EQ(Group::at(machine, "/m")->read("blkio", "x").error().code, EOPNOTSUPP);
}

TEST_F(GroupTest, OneKillOfAGroupCountsOnce) {
  put("/p/m/memory.events", "low 0\noom 1\noom_kill 7\noom_group_kill 1\n");
  const Hierarchies machine = v2();
  const Group group = Group::at(machine, "/p/m").value();
  EXPECT_EQ(group.oom_kill_count().value(), 1U);
  put("/p/m/memory.events", "oom 7\noom_kill 7\n");
  EXPECT_EQ(group.oom_kill_count().value(), 7U) << "kernels before 5.17";
  put("/p/m/memory.events", "oom 0\noom_kill 7\noom_group_kill 0\n");
  put("/p/m/memory.events.local", "oom 0\noom_kill 7\noom_group_kill 0\n");
  put("/p/memory.events.local", "oom 1\noom_kill 0\noom_group_kill 1\n");
  EXPECT_EQ(group.oom_kill_count().value(), 1U) << "by the group of an ancestor";
  EXPECT_EQ(group.oom_eventfd().error().code, EOPNOTSUPP);
}

TEST_F(GroupTest, ProcessesSkipsOtherPidNamespacesAndReadsNestedGroups) {
  put("/m/cgroup.procs", "12\n0\n7\n");
  put("/m/in/cgroup.procs", "9\n");
  const Hierarchies machine = v2();
  EXPECT_EQ(Group::at(machine, "/m")->processes().value(), (std::vector<pid_t>{7, 9, 12}));
  EXPECT_EQ(Group::at(machine, "/m")->processes(false).value(), (std::vector<pid_t>{7, 12}));
}

}  // namespace
}  // namespace mete::runtime::cgroup
