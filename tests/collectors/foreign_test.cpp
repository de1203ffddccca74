// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "collectors/discovery/foreign_cgroups.h"
#include "tests/support/fake_proc.h"

namespace mete::collectors {
namespace {

using namespace std::chrono_literals;
using testing::write_text;

std::string id_of(char digit) {
  return std::string(64, digit);
}

class Foreign : public ::testing::Test {
 protected:
  Foreign() {
    hierarchies_.mode = runtime::cgroup::Mode::kV2;
    hierarchies_.v2_mount = cgroups_.path();
    options_.roots = {proc_.path(), files_.path()};
  }
  void open() {
    auto found = ForeignCgroups::open(hierarchies_, options_);
    ASSERT_TRUE(found) << found.error().what;
    all_.emplace(std::move(*found));
  }
  void cgroup(const std::string& path, const std::string& procs = "") {
    write_text(cgroups_.path() + path + "/cgroup.procs", procs);
  }
  void docker(char digit, const std::string& name, const std::string& started = "") {
    write_text(
        files_ / ("var/lib/docker/containers/" + id_of(digit) + "/config.v2.json"),
        R"({"Name": "/)" + name + R"(", "Config": {"Image": "i:1"}, "State": {"StartedAt": ")" + started + R"("}})");
  }
  std::optional<Target> target(const std::string& path) const {
    for (auto& each : all_->targets()) {
      if (each.path == path) return each;
    }
    return std::nullopt;
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> all;
    for (const auto& each : all_->targets()) all.push_back(each.path);
    return all;
  }
  // As if so much time had gone by.
  void later(std::chrono::milliseconds by) { (void)all_->refresh(ForeignCgroups::Clock::now() + by); }

  testing::FakeProc proc_;
  testing::TempDir cgroups_, files_;
  runtime::cgroup::Hierarchies hierarchies_;
  ForeignCgroups::Options options_;
  std::optional<ForeignCgroups> all_;
};

TEST_F(Foreign, ShowsWhatThePolicyShows) {
  cgroup("/system.slice/ssh.service");
  cgroup("/made/by/hand");
  cgroup("/mete/pod");
  options_.own_parent = "/mete";
  open();
  EXPECT_EQ(paths(), (std::vector<std::string>{"/", "/system.slice", "/system.slice/ssh.service"}));
  const auto unit = target("/system.slice/ssh.service");
  ASSERT_TRUE(unit);
  EXPECT_TRUE(unit->foreign);
  EXPECT_NE(unit->cgroup_id, 0U);
  EXPECT_EQ(unit->network_pid, 0);
  EXPECT_EQ(target("/")->network_pid, ::getpid()) << "the machine's network is the root's";
}

TEST_F(Foreign, ABoundCutsOffTheSameEachTime) {
  for (int i = 0; i < 30; ++i) cgroup("/s" + std::to_string(i) + ".slice");
  options_.exported.most_cgroups = 5;
  open();
  const auto first = paths();
  EXPECT_EQ(first.size(), 5U);
  EXPECT_EQ(first.front(), "/");
  cgroup("/z.slice");
  (void)all_->handle_events();
  EXPECT_EQ(paths(), first);
}

TEST_F(Foreign, WithoutTheIdNoTwoHaveTheSameLabels) {
  cgroup("/a.slice");
  cgroup("/b.slice");
  docker('1', "one");
  docker('2', "two");
  cgroup("/docker/" + id_of('1'));
  cgroup("/docker/" + id_of('2'));
  options_.exported.id_label = false;
  open();
  EXPECT_EQ(paths(), (std::vector<std::string>{"/", "/docker/" + id_of('1'), "/docker/" + id_of('2')}));
}

// The cgroup, the process in it, its files, its network and its root come one after another.
TEST_F(Foreign, AContainerIsAskedAgainUntilAllIsKnown) {
  open();
  const std::string path = "/docker/" + id_of('a');
  cgroup(path);
  (void)all_->handle_events();
  ASSERT_TRUE(target(path));
  EXPECT_EQ(target(path)->who->name, id_of('a'));
  EXPECT_LE(all_->due(), ForeignCgroups::Clock::now() + 60ms);
  docker('a', "web");
  later(0ms);
  EXPECT_EQ(target(path)->who->name, id_of('a')) << "not before it is due";
  later(60ms);
  EXPECT_EQ(target(path)->who->name, "web");
  cgroup(path, "7\n");
  proc_.add(7, {});  // not yet out of the machine's network
  later(1s);
  EXPECT_EQ(target(path)->network_pid, 0);
  proc_.add(7, {.network = "its own"});
  later(10s);
  EXPECT_EQ(target(path)->network_pid, 7);
  EXPECT_EQ(target(path)->writable, "") << "still in the machine's root";
  proc_.add(7, {.mountinfo = "1 0 0:2 / / rw - overlay overlay rw,lowerdir=/a,upperdir=/layers/7/diff,workdir=/w\n",
                .network = "its own"});
  later(60s);
  EXPECT_EQ(target(path)->writable, "/layers/7/diff");
  EXPECT_NE(target(path)->labels->text().find("name=\"web\",image=\"i:1\""), std::string::npos);
  EXPECT_GT(all_->due(), ForeignCgroups::Clock::now() + 30s) << "all is known";
}

TEST_F(Foreign, OneInTheMachinesNetworkIsNotAskedForEver) {
  const std::string path = "/docker/" + id_of('a');
  docker('a', "web");
  cgroup(path, "7\n");
  proc_.add(7, {});
  open();
  for (const auto by : {1s, 5s, 20s}) later(by);
  EXPECT_GT(all_->due(), ForeignCgroups::Clock::now() + 30s);
  EXPECT_EQ(target(path)->network_pid, 0);
}

TEST_F(Foreign, AStartOnFileIsNotThatOfAnEarlierRun) {
  const std::string path = "/docker/" + id_of('a');
  docker('a', "web", "2020-01-01T00:00:00Z");
  cgroup(path, "7\n");
  proc_.add(7, {.network = "its own"});
  open();
  const auto old = std::chrono::sys_days(std::chrono::year(2020) / 1 / 1);
  EXPECT_EQ(*target(path)->started, old) << "it was there before the agent: the file is all there is";
  std::filesystem::remove_all(cgroups_.path() + path);
  (void)all_->handle_events();
  EXPECT_FALSE(target(path));
  const auto before = std::chrono::system_clock::now();
  cgroup(path, "7\n");
  (void)all_->handle_events();
  EXPECT_GE(*target(path)->started, before - 1s);
}

TEST_F(Foreign, ChangesNameWhatIsGoneAndForgetIt) {
  const std::string path = "/docker/" + id_of('a');
  cgroup(path);
  open();
  std::filesystem::remove_all(cgroups_.path() + path);
  EXPECT_EQ(all_->handle_events(), std::vector<std::string>{path});
  EXPECT_FALSE(target(path));
  EXPECT_GT(all_->due(), ForeignCgroups::Clock::now() + 30s) << "nobody asks for it any more";
  later(20s);
}

TEST_F(Foreign, ANetworkIsOnOneRow) {
  const std::string pod = "/kubepods/burstable/pod0f9e1c2d-1111";
  write_text(files_ / "var/log/pods/shop_web-0_0f9e1c2d-1111/main/0.log", "");
  const auto add = [&](const std::string& path, pid_t pid, const std::string& network) {
    cgroup(path, std::to_string(pid) + "\n");
    proc_.add(pid, {.network = network});
  };
  cgroup(pod);
  add(pod + "/" + id_of('1'), 11, "pod");
  add(pod + "/" + id_of('2'), 12, "pod");
  add("/docker/" + id_of('3'), 13, "shared");  // --net=container:...
  add("/docker/" + id_of('4'), 14, "shared");
  add("/docker/" + id_of('5'), 15, "fifth");
  add("/docker/" + id_of('6'), 16, "the machine's");
  open();
  std::map<std::string, pid_t> rows;
  for (const auto& each : all_->targets()) {
    if (each.network_pid != 0) rows[each.path] = each.network_pid;
  }
  const std::map<std::string, pid_t> expected = {
      {"/", ::getpid()}, {pod, 11}, {"/docker/" + id_of('3'), 13}, {"/docker/" + id_of('5'), 15}};
  EXPECT_EQ(rows, expected);
}

TEST_F(Foreign, WithoutItsPodsRowTheFirstContainerHasTheNetwork) {
  const std::string pod = "/kubepods/pod0f9e1c2d-1111";
  for (const char digit : {'1', '2'}) cgroup(pod + "/" + id_of(digit), "11\n");
  proc_.add(11, {.network = "pod"});
  options_.exported.exclude = {pod};
  open();
  EXPECT_EQ(target(pod + "/" + id_of('1'))->network_pid, 11);
  EXPECT_EQ(target(pod + "/" + id_of('2'))->network_pid, 0);
}

TEST_F(Foreign, AScanFindsWhatNobodyToldOf) {
  open();
  cgroup("/x.slice");
  const auto gone = all_->refresh(ForeignCgroups::Clock::now() + 61s);
  EXPECT_TRUE(gone.empty());
  EXPECT_TRUE(target("/x.slice"));
}

}  // namespace
}  // namespace mete::collectors
