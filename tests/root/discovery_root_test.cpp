// SPDX-License-Identifier: Apache-2.0
// The tree of all cgroups on real ones: when they are known, that one made again is another one, that nothing is left.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "collectors/discovery/cgroup_tree.h"
#include "collectors/discovery/foreign_cgroups.h"
#include "tests/support/test_group.h"

namespace mete {
namespace {

using collectors::CgroupTree;
using std::chrono::steady_clock;

std::size_t kernel_watches(int fd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));
  std::size_t count = 0;
  for (std::string line; std::getline(info, line);) count += line.starts_with("inotify ") ? 1 : 0;
  return count;
}

long resident_kib() {
  std::ifstream status("/proc/self/statm");
  long size = 0;
  long resident = 0;
  status >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE) / 1024;
}

class ROOT_Discovery : public test::RootCgroupTest {
 protected:
  // Others come and go on this machine: only what is below the test's own parent counts.
  [[nodiscard]] std::vector<std::string> own(const std::vector<std::string>& paths) const {
    std::vector<std::string> found;
    for (const auto& path : paths) {
      if (path.starts_with(parent().path() + "/")) found.push_back(path.substr(parent().path().size()));
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  [[nodiscard]] bool knows(const CgroupTree& tree, const std::string& name) const {
    return tree.nodes().contains(parent().path() + name);
  }
  [[nodiscard]] CgroupTree tree() const {
    auto opened = CgroupTree::open(hierarchies_);
    EXPECT_TRUE(opened) << opened.error().what;
    return std::move(*opened);
  }
  // Reads events until `done`; false when that takes longer than half of the minute after which a rescan finds what no
  // event told.
  template <class Done>
  [[nodiscard]] static bool read_until(CgroupTree& tree, Done done) {
    const auto end = steady_clock::now() + std::chrono::seconds(30);
    while (!done()) {
      if (steady_clock::now() > end) return false;
      if (test::readable_within(tree.fd(), 100)) (void)tree.read_events();
    }
    return true;
  }
};

TEST_F(ROOT_Discovery, EventsTellOfANewOneAndOfAGoneOne) {
  CgroupTree all = tree();
  ASSERT_TRUE(knows(all, "")) << "the test's own parent was there before";
  const auto group = made("web");
  EXPECT_TRUE(read_until(all, [&] { return knows(all, "/web"); }));
  const auto inner = group.child("inner").value();
  ASSERT_TRUE(inner.create());
  EXPECT_TRUE(read_until(all, [&] { return knows(all, "/web/inner"); }));
  ASSERT_TRUE(inner.remove());
  ASSERT_TRUE(group.remove());
  EXPECT_TRUE(read_until(all, [&] { return !knows(all, "/web") && !knows(all, "/web/inner"); }));
}

TEST_F(ROOT_Discovery, OneMadeAgainIsAnotherOne) {
  CgroupTree all = tree();
  const auto group = made("again");
  (void)all.read_events();
  const auto first = all.nodes().at(group.path());
  ASSERT_TRUE(group.remove());
  ASSERT_TRUE(group.create());
  const auto changes = all.read_events();
  EXPECT_EQ(own(changes.removed), std::vector<std::string>{"/again"});
  EXPECT_EQ(own(changes.added), std::vector<std::string>{"/again"});
  const auto second = all.nodes().at(group.path());
  EXPECT_NE(first.id, second.id);
  EXPECT_GE(second.created, first.created);
}

TEST_F(ROOT_Discovery, ARenamedOneIsFollowed) {
  if (hierarchies_.v1.empty()) GTEST_SKIP() << "cgroup v2 has no renaming";
  CgroupTree all = tree();
  const auto group = made("parked");
  (void)all.read_events();
  for (const auto& mount : hierarchies_.v1_mounts()) {
    const std::string folder = mount + parent().path();
    ASSERT_EQ(::rename((folder + "/parked").c_str(), (folder + "/used").c_str()), 0) << mount;
  }
  (void)all.read_events();
  EXPECT_FALSE(knows(all, "/parked"));
  EXPECT_TRUE(knows(all, "/used"));
}

TEST_F(ROOT_Discovery, TwoThousandThatComeAndGoLeaveNothing) {
  CgroupTree all = tree();
  const auto turn = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const auto group = made("job" + std::to_string(i % 50));
      if (i % 3 != 0) (void)all.read_events();  // some are gone again before they are looked at
      ASSERT_TRUE(group.remove());
      if (i % 2 == 0) (void)all.read_events();
    }
    (void)all.read_events();
  };
  turn(0, 500);
  const auto watches = kernel_watches(all.fd());
  const auto nodes = all.nodes().size();
  const auto memory = resident_kib();
  turn(500, 2'000);
  EXPECT_TRUE(own([&] {
                std::vector<std::string> paths;
                for (const auto& [path, node] : all.nodes()) paths.push_back(path);
                return paths;
              }())
                  .empty());
  // Those of other tests come and go meanwhile. A leak would be of some of 1,500.
  EXPECT_LE(kernel_watches(all.fd()), watches + 300);
  EXPECT_LE(all.nodes().size(), nodes + 150);
#ifndef __SANITIZE_ADDRESS__  // it keeps what was freed
  EXPECT_LE(resident_kib(), memory + 512);
#else
  (void)memory;
#endif
  EXPECT_TRUE(all.complete());
}

TEST_F(ROOT_Discovery, AThousandLiveOnesAreAllKnown) {
  CgroupTree all = tree();
  std::vector<runtime::cgroup::Group> groups;
  for (int i = 0; i < 1'000; ++i) groups.push_back(made("g" + std::to_string(i)));
  std::size_t added = 0;
  const bool all_known = read_until(all, [&] {
    added = 0;
    for (const auto& group : groups) added += all.nodes().contains(group.path()) ? 1 : 0;
    return added == groups.size();
  });
  EXPECT_TRUE(all_known) << added;
  for (const auto& group : groups) ASSERT_TRUE(group.remove());
  (void)all.read_events();
  EXPECT_FALSE(knows(all, "/g0") || knows(all, "/g999"));
}

TEST_F(ROOT_Discovery, AProcessInANetworkOfItsOwnIsFound) {
  const auto group = made("unit.service");
  const auto box = parent().child("lxc.payload.box").value();
  ASSERT_TRUE(box.create());
  const pid_t pid = test::run_in(box, [] {
    if (::unshare(CLONE_NEWNET) != 0) ::_exit(1);
    while (true) ::pause();
  });
  collectors::ForeignCgroups::Options options;
  auto all = collectors::ForeignCgroups::open(hierarchies_, options);
  ASSERT_TRUE(all) << all.error().what;
  const auto row = [&]() -> std::optional<collectors::Target> {
    for (auto& target : all->targets()) {
      if (target.path == box.path()) return target;
    }
    return std::nullopt;
  };
  EXPECT_TRUE(test::within(2, [&] {
    (void)all->refresh(steady_clock::now());
    const auto found = row();
    return found && found->network_pid == pid;
  }));
  EXPECT_EQ(row()->who->name, "box");
}

}  // namespace
}  // namespace mete
