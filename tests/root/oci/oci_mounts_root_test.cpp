// SPDX-License-Identifier: Apache-2.0
// Mounts and namespaces of config.json on a real kernel, seen from inside the container.
#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/root/oci/oci_support.h"

namespace mete::test {
namespace {

class OciMountsTest : public OciTest {
 protected:
  // Returns the output of the script; the container must exit with 0.
  std::string seen(const std::string& script) {
    const Done done = run(script);
    EXPECT_EQ(done.code, 0) << done.err;
    return done.out;
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
};

TEST_F(OciMountsTest, MountAttributes) {
  std::filesystem::create_directories(dir_ / "volume/below");
  config_["mounts"].push_back({{"destination", "/a"},
                               {"source", dir_ / "volume"},
                               {"options", {"bind", "nosuid", "nodev", "noexec", "noatime", "ro"}}});
  config_["mounts"].push_back({{"destination", "/b"},
                               {"type", "tmpfs"},
                               {"source", "x"},
                               {"options", {"nosymfollow", "nodiratime", "strictatime", "mode=0711", "uid=5"}}});
  config_["mounts"].push_back(
      {{"destination", "/b"}, {"type", "tmpfs"}, {"source", "x"}, {"options", {"remount", "ro", "nosuid"}}});
  const std::string text = seen("grep -E ' /(a|b) ' /proc/mounts; stat -c %a,%u /b; ls -d /a/below");
  EXPECT_TRUE(has(text, " /a ") && has(text, "ro,nosuid,nodev,noexec,noatime")) << text;
  EXPECT_TRUE(has(text, "ro,nosuid,nodiratime")) << text;
  EXPECT_TRUE(has(text, "711,5\n/a/below")) << text;
}

TEST_F(OciMountsTest, RecursiveAttributes) {
  std::filesystem::create_directories(dir_ / "volume/below");
  ASSERT_EQ(::mount("tmpfs", (dir_ / "volume/below").c_str(), "tmpfs", 0, nullptr), 0);
  config_["mounts"].push_back({{"destination", "/plain"}, {"source", dir_ / "volume"}, {"options", {"rbind", "ro"}}});
  config_["mounts"].push_back(
      {{"destination", "/deep"}, {"source", dir_ / "volume"}, {"options", {"rbind", "rro", "rnoexec"}}});
  config_["mounts"].push_back({{"destination", "/flat"}, {"source", dir_ / "volume"}, {"options", {"bind"}}});
  const std::string text = seen(
      "touch /plain/x || echo 1; touch /plain/below/x && echo 2; touch /deep/below/x || echo 3; grep /deep/below "
      "/proc/mounts; grep -c /flat/below /proc/mounts; true");
  ::umount2((dir_ / "volume/below").c_str(), MNT_DETACH);
  EXPECT_TRUE(has(text, "1\n2\n3\n") && has(text, "ro,noexec") && has(text, "\n0\n")) << text;
}

TEST_F(OciMountsTest, TmpCopyUp) {
  const std::string seed = bundle() + "/rootfs/seed";
  std::filesystem::create_directories(seed + "/sub");
  std::ofstream(seed + "/sub/file") << "from the image";
  std::filesystem::create_symlink("sub/file", seed + "/link");
  ::chmod((seed + "/sub").c_str(), 0710);
  ASSERT_EQ(::chown((seed + "/sub/file").c_str(), 8, 9), 0);
  config_["root"]["readonly"] = true;
  config_["mounts"].push_back(
      {{"destination", "/seed"}, {"type", "tmpfs"}, {"source", "tmpfs"}, {"options", {"tmpcopyup", "nosuid"}}});
  const std::string text = seen(
      "cat /seed/link; echo; stat -c %a /seed/sub; stat -c %u,%g /seed/sub/file; echo new > /seed/sub/file && cat "
      "/seed/sub/file; grep /seed /proc/mounts");
  EXPECT_TRUE(has(text, "from the image\n710\n8,9\nnew\n") && has(text, "tmpfs rw,nosuid")) << text;
  EXPECT_EQ(slurp(seed + "/sub/file"), "from the image");
}

TEST_F(OciMountsTest, IdMappedMounts) {
  std::filesystem::create_directories(dir_ / "volume");
  std::ofstream(dir_ / "volume/file") << "x";
  const Json map = {{{"containerID", 0}, {"hostID", 3000}, {"size", 1000}}};
  config_["mounts"].push_back({{"destination", "/v"},
                               {"source", dir_ / "volume"},
                               {"options", {"bind", "idmap"}},
                               {"uidMappings", map},
                               {"gidMappings", map}});
  command("stat -c %u,%g /v/file; touch /v/new");
  write_config();
  const Done done = oci({"run", "--bundle", bundle(), "one"});
  if (done.code != 0 && has(done.err, "map the owners"))
    GTEST_SKIP() << "this file system has no id-mapped mounts: " << done.err;
  EXPECT_TRUE(has(done.out, "3000,3000\n")) << done.out << done.err;
}

TEST_F(OciMountsTest, ASharedMountReachesTheHostAndASlaveDoesNot) {
  const std::string volume = dir_ / "volume";
  std::filesystem::create_directories(volume + "/sub");
  ASSERT_EQ(::mount("tmpfs", volume.c_str(), "tmpfs", 0, nullptr), 0);
  ASSERT_EQ(::mount(nullptr, volume.c_str(), nullptr, MS_SHARED, nullptr), 0);
  std::filesystem::create_directories(volume + "/sub");
  for (const char* const set : {"bounding", "effective", "permitted"})
    config_["process"]["capabilities"][set].push_back("CAP_SYS_ADMIN");
  const auto attempt = [&](const char* propagation) {
    config_["mounts"].push_back({{"destination", "/v"}, {"source", volume}, {"options", {"rbind", propagation}}});
    command("mount -t tmpfs inner /v/sub && echo mounted; sleep 60");
    EXPECT_EQ(create().code, 0) << slurp(dir_ / "create-one.err");
    EXPECT_EQ(oci({"start", "one"}).code, 0);
    EXPECT_TRUE(within(5, [&] { return has(slurp(dir_ / "create-one.out"), "mounted"); }))
        << slurp(dir_ / "create-one.err");
    const bool reached = has(slurp("/proc/self/mounts"), "inner " + volume + "/sub");
    // And the other way round.
    std::filesystem::create_directories(volume + "/late");
    EXPECT_EQ(::mount("late", (volume + "/late").c_str(), "tmpfs", 0, nullptr), 0);
    EXPECT_TRUE(has(oci({"exec", "one", "cat", "/proc/mounts"}).out, "late /v/late"));
    ::umount2((volume + "/late").c_str(), MNT_DETACH);
    ::umount2((volume + "/sub").c_str(), MNT_DETACH);
    EXPECT_EQ(oci({"delete", "--force", "one"}).code, 0);
    config_["mounts"].erase(config_["mounts"].size() - 1);
    return reached;
  };
  EXPECT_TRUE(attempt("rshared"));
  EXPECT_FALSE(attempt("rslave"));
  ::umount2(volume.c_str(), MNT_DETACH);
}

TEST_F(OciMountsTest, WithoutAPivotTheRootIsTheContainersAllTheSame) {
  command("ls /; ls /../..; cat /proc/self/mounts | grep -c overlay; touch /x || echo ro");
  write_config();
  const Done done = oci({"run", "--no-pivot", "--bundle", bundle(), "one"});
  EXPECT_TRUE(has(done.out, "bin\ndev\nproc\nsys\nbin\ndev\nproc\nsys\n") && has(done.out, "ro\n"))
      << done.out << done.err;
  expect_nothing_left();
}

TEST_F(OciMountsTest, RootPropagation) {
  for (const auto& [asked, expected] : std::map<std::string, std::string>{
           {"shared", "shared:"}, {"rslave", ""}, {"unbindable", "unbindable"}, {"private", ""}}) {
    config_["linux"]["rootfsPropagation"] = asked;
    const std::string text = seen("grep ' / / ' /proc/self/mountinfo || grep ' / ' /proc/self/mountinfo");
    const std::string root = text.substr(0, text.find('\n'));
    if (expected.empty()) {
      EXPECT_FALSE(has(root, "shared:") || has(root, "unbindable")) << asked << ": " << root;
    } else {
      EXPECT_TRUE(has(root, expected)) << asked << ": " << root;
    }
  }
}

TEST_F(OciMountsTest, NamespacesByPath) {
  command("sleep 60");
  ASSERT_EQ(create("holder").code, 0);
  const std::string pid = slurp(dir_ / "pid");
  Json namespaces = Json::array();
  for (const auto& [type, file] : std::map<std::string, std::string>{
           {"pid", "pid"}, {"network", "net"}, {"ipc", "ipc"}, {"uts", "uts"}, {"cgroup", "cgroup"}}) {
    namespaces.push_back({{"type", type}, {"path", "/proc/" + pid + "/ns/" + file}});
  }
  namespaces.push_back({{"type", "mount"}});
  config_["linux"]["namespaces"] = namespaces;
  config_.erase("hostname");
  use_group("two");
  command("for n in pid net ipc uts cgroup mnt; do readlink /proc/self/ns/$n; done");
  write_config();
  const Done done = oci({"run", "--bundle", bundle(), "two"});
  EXPECT_EQ(done.code, 0) << done.err;
  std::string expected;
  for (const char* const file : {"pid", "net", "ipc", "uts", "cgroup"})
    expected += std::filesystem::read_symlink("/proc/" + pid + "/ns/" + file).string() + "\n";
  EXPECT_TRUE(done.out.starts_with(expected)) << done.out << expected;
  EXPECT_FALSE(has(done.out, std::filesystem::read_symlink("/proc/" + pid + "/ns/mnt"))) << "a new one";
  EXPECT_EQ(oci({"delete", "--force", "holder"}).code, 0);
}

TEST_F(OciMountsTest, ATimeNamespaceByPath) {
  config_["linux"]["namespaces"].push_back({{"type", "time"}});
  config_["linux"]["timeOffsets"] = {{"boottime", {{"secs", 500000000}}}};
  command("sleep 60");
  ASSERT_EQ(create("holder").code, 0) << slurp(dir_ / "create-holder.err");
  const std::string path = "/proc/" + slurp(dir_ / "pid") + "/ns/time";
  config_["linux"]["namespaces"].back()["path"] = path;
  config_["linux"].erase("timeOffsets");
  use_group("two");
  command("readlink /proc/self/ns/time; test $(cut -d . -f 1 /proc/uptime) -gt 500000000");
  write_config();
  const Done done = oci({"run", "--bundle", bundle(), "two"});
  EXPECT_EQ(done.code, 0) << done.err << "its clock is the holder's";
  EXPECT_EQ(done.out, std::filesystem::read_symlink(path).string() + "\n");
  EXPECT_EQ(oci({"delete", "--force", "holder"}).code, 0);
}

TEST_F(OciMountsTest, AUserNamespaceByPath) {
  config_["linux"]["namespaces"].push_back({{"type", "user"}});
  config_["linux"]["uidMappings"] = {{{"containerID", 0}, {"hostID", 100000}, {"size", 1000}}};
  config_["linux"]["gidMappings"] = config_["linux"]["uidMappings"];
  ASSERT_EQ(std::system(
                ("chown -R 100000:100000 " + bundle() + "/rootfs; chmod 755 " + dir_.path() + " " + bundle()).c_str()),
            0);
  command("sleep 60");
  ASSERT_EQ(create("holder").code, 0) << slurp(dir_ / "create-holder.err");
  const std::string path = "/proc/" + slurp(dir_ / "pid") + "/ns/user";
  for (auto& each : config_["linux"]["namespaces"]) {
    if (each["type"] == "user") each["path"] = path;
  }
  config_["linux"].erase("uidMappings");
  config_["linux"].erase("gidMappings");
  use_group("two");
  command("readlink /proc/self/ns/user; id -u; cat /proc/self/uid_map; exit 5");
  write_config();
  const Done done = oci({"run", "--bundle", bundle(), "two"});
  EXPECT_EQ(done.code, 5) << done.err;
  EXPECT_TRUE(done.out.starts_with(std::filesystem::read_symlink(path).string() + "\n0\n") && has(done.out, "100000"))
      << done.out;
  EXPECT_EQ(oci({"delete", "--force", "holder"}).code, 0);
}

TEST_F(OciMountsTest, AMountNamespaceByPath) {
  command("sleep 60");
  ASSERT_EQ(create("holder").code, 0);
  const std::string path = "/proc/" + slurp(dir_ / "pid") + "/ns/mnt";
  // The holder waits before its command with its own root; in its namespace our bundle's path does not exist.
  for (auto& each : config_["linux"]["namespaces"]) {
    if (each["type"] == "mount") each["path"] = path;
    // Its /proc shows the holder's processes.
    if (each["type"] == "pid") each["path"] = "/proc/" + slurp(dir_ / "pid") + "/ns/pid";
  }
  config_["root"] = {{"path", "/"}};
  config_["mounts"] = Json::array();
  use_group("two");
  command("readlink /proc/self/ns/mnt");
  write_config();
  const Done done = oci({"run", "--bundle", bundle(), "two"});
  EXPECT_TRUE(has(done.out, std::filesystem::read_symlink(path))) << done.out << done.err;
  EXPECT_EQ(oci({"delete", "--force", "holder"}).code, 0);
}

}  // namespace
}  // namespace mete::test
