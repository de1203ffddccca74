// SPDX-License-Identifier: Apache-2.0
// The tree on folders of a temporary file system, which inotify tells of as of cgroups. On real ones: tests/root.
#include "collectors/discovery/cgroup_tree.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "tests/support/temp_dir.h"

namespace mete::collectors {
namespace {

namespace fs = std::filesystem;
using Set = std::multiset<std::string>;

Set of(const std::vector<std::string>& paths) {
  return {paths.begin(), paths.end()};
}

std::size_t kernel_watches(int fd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));
  std::size_t count = 0;
  for (std::string line; std::getline(info, line);) count += line.starts_with("inotify ") ? 1 : 0;
  return count;
}

class Tree : public ::testing::Test {
 protected:
  void two_hierarchies() {
    fs::create_directories(folder_ / "memory");
    fs::create_directories(folder_ / "cpuacct");
    hierarchies_.v1 = {{"memory", folder_ / "memory"},
                       {"cpuacct", folder_ / "cpuacct"},
                       {"cpu", folder_ / "cpu"},
                       {"pids", folder_ / "pids"}};
  }
  void one_hierarchy() {
    fs::create_directories(folder_ / "memory");
    hierarchies_.mode = runtime::cgroup::Mode::kV2;
    hierarchies_.v2_mount = folder_ / "memory";
  }
  void open(std::vector<std::string> skip = {}) {
    auto tree = CgroupTree::open(hierarchies_, std::move(skip));
    ASSERT_TRUE(tree) << tree.error().what;
    tree_.emplace(std::move(*tree));
  }
  void make(const std::string& path, const std::string& hierarchy = "memory") const {
    fs::create_directories(folder_ / (hierarchy + path));
  }
  void remove(const std::string& path, const std::string& hierarchy = "memory") const {
    fs::remove_all(folder_ / (hierarchy + path));
  }
  Set paths() const {
    Set all;
    for (const auto& [path, node] : tree_->nodes()) all.insert(path);
    return all;
  }
  CgroupTree::Changes events() { return tree_->read_events(); }

  testing::TempDir folder_{fs::exists("/dev/shm") ? "/dev/shm" : "/tmp"};  // thousands are made and removed
  runtime::cgroup::Hierarchies hierarchies_;
  std::optional<CgroupTree> tree_;
};

TEST_F(Tree, KnowsWhatWasThereBefore) {
  one_hierarchy();
  make("/a/b/c");
  make("/d");
  std::ofstream(folder_ / "memory/a/cgroup.procs") << "1\n";
  open();
  EXPECT_EQ(paths(), (Set{"/", "/a", "/a/b", "/a/b/c", "/d"}));
  EXPECT_TRUE(events().added.empty());
  EXPECT_TRUE(tree_->complete());
  EXPECT_FALSE(tree_->nodes().at("/a").seen_made);
}

TEST_F(Tree, TellsOfNewAndGoneOnes) {
  one_hierarchy();
  open();
  make("/a");
  auto changes = events();
  EXPECT_EQ(of(changes.added), Set{"/a"});
  EXPECT_TRUE(changes.removed.empty());
  EXPECT_FALSE(changes.rescanned);
  EXPECT_TRUE(tree_->nodes().at("/a").seen_made);
  make("/a/b");
  EXPECT_EQ(of(events().added), Set{"/a/b"});
  remove("/a");
  EXPECT_EQ(of(events().removed), (Set{"/a", "/a/b"}));
  EXPECT_EQ(paths(), Set{"/"});
}

// A group that is made below a new group before that is watched causes no event of its own.
TEST_F(Tree, ManyLevelsMadeAtOnceAreAllFound) {
  one_hierarchy();
  open();
  make("/a/b/c/d");
  make("/a/x");
  EXPECT_EQ(of(events().added), (Set{"/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/x"})) << "each once";
  EXPECT_EQ(kernel_watches(tree_->fd()), 6U);
}

TEST_F(Tree, OneThatIsGoneBeforeItWasLookedAtIsNoError) {
  one_hierarchy();
  open();
  make("/a/b");
  remove("/a");
  const auto changes = events();
  EXPECT_TRUE(changes.added.empty());
  EXPECT_EQ(paths(), Set{"/"});
}

TEST_F(Tree, MadeAgainIsAnotherOne) {
  one_hierarchy();
  make("/a/b");
  open();
  fs::rename(folder_ / "memory/a", folder_ / "kept");  // its inode stays in use, as a file system may give it out again
  make("/a/c");
  const auto changes = events();
  EXPECT_EQ(of(changes.removed), (Set{"/a", "/a/b"}));
  EXPECT_EQ(of(changes.added), (Set{"/a", "/a/c"}));
  EXPECT_EQ(paths(), (Set{"/", "/a", "/a/c"}));
  EXPECT_EQ(kernel_watches(tree_->fd()), 3U);
}

// The events of the first life come when the second is there already.
TEST_F(Tree, MadeAgainWithOthersBelowBeforeItWasLookedAt) {
  one_hierarchy();
  open();
  for (int i = 0; i < 3; ++i) {
    make("/a");
    fs::rename(folder_ / "memory/a", folder_ / ("kept" + std::to_string(i)));
  }
  make("/a");
  make("/a/b");
  remove("/a/b");
  make("/a/c");
  (void)events();
  EXPECT_EQ(paths(), (Set{"/", "/a", "/a/c"}));
  EXPECT_EQ(kernel_watches(tree_->fd()), 3U);
  make("/a/c/d");
  (void)events();
  EXPECT_EQ(paths(), (Set{"/", "/a", "/a/c", "/a/c/d"})) << "it is watched";
}

TEST_F(Tree, ARenamedGroupIsFoundUnderItsNewName) {
  one_hierarchy();
  make("/parked/x");
  open();
  fs::rename(folder_ / "memory/parked", folder_ / "memory/used");
  const auto changes = events();
  EXPECT_EQ(of(changes.removed), (Set{"/parked", "/parked/x"}));
  EXPECT_EQ(of(changes.added), (Set{"/used", "/used/x"}));
  make("/used/y");
  EXPECT_EQ(of(events().added), Set{"/used/y"}) << "not /parked/y";
}

TEST_F(Tree, APathIsOneNodeInAllHierarchies) {
  two_hierarchies();
  make("/a", "memory");
  make("/b", "cpuacct");
  open();
  EXPECT_EQ(tree_->nodes().at("/a").in, 1);
  EXPECT_EQ(tree_->nodes().at("/b").in, 2);
  EXPECT_EQ(tree_->nodes().at("/").in, 3);
  make("/a", "cpuacct");
  make("/b", "memory");
  const auto changes = events();
  EXPECT_TRUE(changes.added.empty() && changes.removed.empty()) << "they are known";
  EXPECT_EQ(tree_->nodes().at("/b").in, 3);
  EXPECT_EQ(tree_->nodes().at("/a").in, 3);
  remove("/a", "memory");
  EXPECT_TRUE(events().removed.empty()) << "it is there yet";
  remove("/a", "cpuacct");
  EXPECT_EQ(of(events().removed), Set{"/a"});
}

TEST_F(Tree, OthersThanThoseOfMemoryAndTimeAreNotWatched) {
  two_hierarchies();
  make("/p", "pids");
  open();
  EXPECT_EQ(paths(), Set{"/"});
  EXPECT_EQ(kernel_watches(tree_->fd()), 2U);
}

TEST_F(Tree, HierarchiesMountedTogetherAreWatchedOnce) {
  fs::create_directories(folder_ / "cpu,cpuacct");
  hierarchies_.v1 = {{"cpu", folder_ / "cpu,cpuacct"}, {"cpuacct", folder_ / "cpu,cpuacct"}};
  open();
  make("/a", "cpu,cpuacct");
  EXPECT_EQ(of(events().added), Set{"/a"});
  EXPECT_EQ(kernel_watches(tree_->fd()), 2U);
}

// The id is the memory hierarchy's: what is made again there is another one, though the other hierarchy's stayed.
TEST_F(Tree, MadeAgainInTheHierarchyOfItsIdOnly) {
  two_hierarchies();
  make("/a", "memory");
  make("/a", "cpuacct");
  open();
  const auto id = tree_->nodes().at("/a").id;
  fs::rename(folder_ / "memory/a", folder_ / "kept");
  EXPECT_TRUE(events().removed.empty());
  make("/a", "memory");
  const auto changes = events();
  EXPECT_EQ(of(changes.removed), Set{"/a"});
  EXPECT_EQ(of(changes.added), Set{"/a"});
  EXPECT_NE(tree_->nodes().at("/a").id, id);
  EXPECT_EQ(tree_->nodes().at("/a").in, 3);
  remove("/a", "memory");
  remove("/a", "cpuacct");
  EXPECT_EQ(of(events().removed), Set{"/a"}) << "the other hierarchy is watched yet";
}

TEST_F(Tree, SkipsWholeSubtrees) {
  one_hierarchy();
  make("/mete/pod");
  open({"/mete"});
  make("/mete/other");
  make("/metes");
  EXPECT_EQ(of(events().added), Set{"/metes"});
  EXPECT_EQ(paths(), (Set{"/", "/metes"}));
}

TEST_F(Tree, ARescanFindsWhatWasNotTold) {
  one_hierarchy();
  make("/a/b");
  make("/c");
  open();
  const auto created = tree_->nodes().at("/c").created;
  make("/n");
  remove("/a");
  const auto changes = tree_->rescan();  // before any event was read
  EXPECT_EQ(of(changes.added), Set{"/n"});
  EXPECT_EQ(of(changes.removed), (Set{"/a", "/a/b"}));
  EXPECT_TRUE(changes.rescanned);
  EXPECT_EQ(tree_->nodes().at("/c").created, created);
  const auto late = events();  // they tell of what is known
  EXPECT_TRUE(late.added.empty() && late.removed.empty());
  EXPECT_EQ(paths(), (Set{"/", "/c", "/n"}));
  EXPECT_EQ(kernel_watches(tree_->fd()), 3U);
}

TEST_F(Tree, LostEventsAreMadeGoodByAScan) {
  std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
  int most = 0;
  ASSERT_TRUE(limit >> most);
  if (most > 100'000) GTEST_SKIP() << "fs.inotify.max_queued_events is " << most << ": too many to overflow";
  one_hierarchy();
  make("/stays");
  open();
  for (int i = 0; i <= most / 2 + 1; ++i) {
    ASSERT_EQ(::mkdir((folder_ / "memory/again").c_str(), 0755), 0);
    ASSERT_EQ(::rmdir((folder_ / "memory/again").c_str()), 0);
  }
  make("/lost/below");
  const auto changes = events();
  EXPECT_TRUE(changes.rescanned);
  const Set added = of(changes.added);
  EXPECT_EQ(added.count("/lost"), 1U);
  EXPECT_EQ(added.count("/lost/below"), 1U);
  EXPECT_EQ(paths(), (Set{"/", "/stays", "/lost", "/lost/below"}));
  while (!events().added.empty()) {
  }
  EXPECT_EQ(kernel_watches(tree_->fd()), 4U);
}

TEST_F(Tree, DeepGroupsTakeOneDescriptorAtATime) {
  one_hierarchy();
  std::string path;
  for (int i = 0; i < 200; ++i) path += "/d";
  make(path);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto used =
      static_cast<rlim_t>(std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
  const rlimit few{used + 20, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  open();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(tree_->nodes().size(), 201U);
  EXPECT_TRUE(tree_->complete());
}

}  // namespace
}  // namespace mete::collectors
