// SPDX-License-Identifier: Apache-2.0
// Bad input, races and deaths: each is one clear error, and nothing is left behind.
#include <sys/mount.h>

#include <algorithm>
#include <csignal>

#include "tests/root/oci/oci_support.h"

namespace mete::test {
namespace {

class OciInputTest : public OciTest {
 protected:
  void expect_refused(const std::string& expected) {
    const Done made = oci({"create", "--bundle", bundle(), "one"});
    EXPECT_EQ(made.code, 1);
    EXPECT_NE(made.err.find(expected), std::string::npos) << made.err << "expected: " << expected;
    EXPECT_EQ(std::count(made.err.begin(), made.err.end(), '\n'), 1) << made.err;
    expect_nothing_left();
  }
};

TEST_F(OciInputTest, ConfigFilesThatAreNone) {
  const std::string file = bundle() + "/config.json";
  std::filesystem::remove(file);
  expect_refused("config.json: No such file or directory");
  write_config();
  std::filesystem::resize_file(file, 200);
  expect_refused("not JSON");
  std::ofstream(file) << R"({"ociVersion": 7})";
  expect_refused("ociVersion: found a number, expected a text");
  std::ofstream(file).close();
  std::filesystem::resize_file(file, 100 << 20);
  expect_refused("found 104857600 bytes, expected at most 16 MiB");
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  expect_refused("found a directory");
}

TEST_F(OciInputTest, IdsAreChecked) {
  write_config();
  for (const std::string id : {"", ".", "..", "a/b", "../x", "a b", "a\nb", "\xff"}) {
    const Done made = oci({"create", "--bundle", bundle(), id});
    EXPECT_EQ(made.code, 1) << id;
    EXPECT_NE(made.err.find("container id: found"), std::string::npos) << made.err;
  }
  EXPECT_NE(oci({"create", "--bundle", bundle(), std::string(1024, 'a')}).err.find("1024 characters"),
            std::string::npos);
  expect_nothing_left();
}

TEST_F(OciInputTest, RootFileSystemsThatAreNone) {
  config_["root"]["path"] = "missing";
  write_config();
  expect_refused("missing: No such file or directory");
  config_["root"]["path"] = "rootfs/bin/busybox";
  write_config();
  expect_refused("found a file");
}

TEST_F(OciInputTest, WhatFailsLateLeavesNothing) {
  command("true");
  const Json good = config_;
  config_["mounts"].push_back({{"destination", "/x"}, {"type", "nosuchfs"}, {"source", "none"}});
  write_config();
  expect_refused("mount nosuchfs on /x");
  config_ = good;
  config_["process"]["args"] = {"/no/such"};
  write_config();
  expect_refused("exec \"/no/such\": not found in the container: no such file or directory");
  config_["process"]["args"] = {"/proc"};
  write_config();
  expect_refused("exec \"/proc\": not executable: permission denied");
  config_ = good;
  config_["linux"]["resources"]["cpu"] = {{"cpus", "0-4095"}};
  write_config();
  expect_refused("cpuset.cpus");
  config_ = good;
  config_["linux"]["sysctl"] = {{"kernel.core_pattern", "|/x"}};
  write_config();
  expect_refused("kernel.core_pattern");
  config_ = good;
  config_["linux"]["cgroupsPath"] = "/../../x";
  write_config();
  expect_refused("linux.cgroupsPath");
}

TEST_F(OciInputTest, ACgroupWithProcessesIsNotTaken) {
  const auto group = made("one");
  const pid_t other = run_in(group, [] { ::pause(); });
  command("true");
  write_config();
  const Done made_one = oci({"create", "--bundle", bundle(), "one"});
  EXPECT_EQ(made_one.code, 1);
  EXPECT_NE(made_one.err.find("found processes in it"), std::string::npos) << made_one.err;
  EXPECT_EQ(::kill(other, 0), 0) << "nobody else's process was touched";
  EXPECT_TRUE(group.exists());
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
}

TEST_F(OciInputTest, TheSameIdTwiceAtOnceOneWins) {
  command("sleep 60");
  write_config();
  for (int round = 0; round < 5; ++round) {
    std::vector<pid_t> calls;
    for (int i = 0; i < 6; ++i)
      calls.push_back(begin({"create", "--bundle", bundle(), "one"}, "call" + std::to_string(i)));
    int winners = 0;
    for (int i = 0; i < 6; ++i) {
      const Done done = finish(calls[static_cast<std::size_t>(i)], "call" + std::to_string(i));
      if (done.code == 0) {
        ++winners;
      } else {
        EXPECT_NE(done.err.find("already exists"), std::string::npos) << done.err;
      }
    }
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(status(), "created");
    EXPECT_EQ(oci({"delete", "--force", "one"}).code, 0);
    expect_nothing_left();
  }
}

TEST_F(OciInputTest, AKilledCreateIsRemovedByDeleteForce) {
  command("sleep 60");
  write_config();
  for (int delay = 0; delay < 40; ++delay) {
    const pid_t call = begin({"create", "--bundle", bundle(), "one"}, "killed");
    ::usleep(static_cast<useconds_t>(delay * 250));
    ::kill(call, SIGKILL);
    (void)finish(call, "killed");
    const Done removed = oci({"delete", "--force", "one"});
    EXPECT_EQ(removed.code, 0) << removed.err;
    expect_nothing_left();
  }
}

TEST_F(OciInputTest, AFullStateFileSystemIsAnError) {
  const std::string full = dir_ / "full";
  std::filesystem::create_directories(full);
  ASSERT_EQ(::mount("tmpfs", full.c_str(), "tmpfs", 0, "size=4k"), 0);
  std::ofstream(full + "/filler") << std::string(8192, 'x');
  command("true");
  write_config();
  const Done made_one = oci({"--root", full + "/state", "create", "--bundle", bundle(), "one"});
  EXPECT_EQ(made_one.code, 1);
  EXPECT_NE(made_one.err.find("No space left"), std::string::npos) << made_one.err;
  EXPECT_FALSE(std::filesystem::exists(full + "/state/one"));
  ::umount(full.c_str());
  expect_nothing_left();
}

TEST_F(OciInputTest, ErrorsGoToTheLogAsJson) {
  const Done done = oci({"--log", dir_ / "log", "--log-format", "json", "start", "none"});
  EXPECT_EQ(done.code, 1);
  const Json line = Json::parse(slurp(dir_ / "log"));
  EXPECT_EQ(line.at("level"), "error");
  EXPECT_EQ(line.at("msg"), "container \"none\" does not exist");
  EXPECT_TRUE(line.contains("time"));
}

TEST_F(OciInputTest, CommandsOnWhatIsNotThere) {
  for (const std::string name : {"state", "start", "kill", "delete", "pause", "resume", "ps"}) {
    const Done done = oci({name, "none"});
    EXPECT_EQ(done.code, 1) << name;
    EXPECT_NE(done.err.find("does not exist"), std::string::npos) << name << ": " << done.err;
  }
}

TEST_F(OciInputTest, FlagsThatCannotBeServedSaySo) {
  command("true");
  write_config();
  EXPECT_NE(oci({"--systemd-cgroup", "create", "--bundle", bundle(), "one"}).err.find("--systemd-cgroup"),
            std::string::npos);
  EXPECT_NE(oci({"create", "--console-socket", "/x", "--bundle", bundle(), "one"}).err.find("--console-socket"),
            std::string::npos);
  EXPECT_NE(oci({"--cgroup-manager", "x", "create", "--bundle", bundle(), "one"}).err.find("--cgroup-manager"),
            std::string::npos);
  EXPECT_EQ(oci({"--rootless=false", "--debug", "run", "--no-new-keyring", "--bundle", bundle(), "one"}).code, 0);
  expect_nothing_left();
}

TEST_F(OciInputTest, WithoutCgroups) {
  config_["linux"]["resources"] = Json::object();
  command("exit 4");
  write_config();
  EXPECT_EQ(oci({"--cgroup-manager=disabled", "run", "--bundle", bundle(), "one"}).code, 4);
  config_["linux"]["resources"]["pids"] = {{"limit", 5}};
  write_config();
  EXPECT_NE(oci({"--cgroup-manager=disabled", "run", "--bundle", bundle(), "one"}).err.find("found limits"),
            std::string::npos);
  expect_nothing_left();
}

}  // namespace
}  // namespace mete::test
