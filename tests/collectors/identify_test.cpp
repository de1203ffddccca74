// SPDX-License-Identifier: Apache-2.0
// On files that dockerd 20.10, containerd 1.6 and podman 4.3 wrote, and on such as CRI-O and kubelet write.
#include "collectors/discovery/identify.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/fake_proc.h"

namespace mete::collectors {
namespace {

using testing::FakeProc;
using testing::read_text;
using testing::TempDir;
using testing::write_text;

const std::string kFixtures = METE_SOURCE_DIR "/tests/fixtures/runtimes/";
const std::string kDocker = "e3c31658bde682af68bd611be12731093bf44a7cb0ed0ea7018bd77835368657";
const std::string kPodman = "9f64d1e15f0703fd26a8cc1b21e5c876524f1cd64a6c88834894af162e0bf4d5";
const std::string kPodUid = "0f9e1c2d-1111-2222-3333-444455556666";
constexpr pid_t kPid = 100;
constexpr pid_t kShim = 90;

class Identify : public ::testing::Test {
 protected:
  Identify() {
    hierarchies_.mode = runtime::cgroup::Mode::kV2;
    hierarchies_.v2_mount = cgroups_.path();
  }
  void cgroup(const std::string& path, const std::string& procs = "100\n") {
    write_text(cgroups_.path() + path + "/cgroup.procs", procs);
  }
  Identifier::Answer ask(const std::string& path, const std::string& files) {
    return Identifier({proc_.path(), files}).identify(hierarchies_, path);
  }
  static std::string mounts(const std::string& runtime) { return read_text(kFixtures + runtime + "/mountinfo"); }
  static std::string label(const Identity& who, const std::string& key) {
    const auto found =
        std::find_if(who.labels.begin(), who.labels.end(), [&](const auto& each) { return each.first == key; });
    return found == who.labels.end() ? "(none)" : found->second;
  }
  // A container of containerd: its bundle's config.json, in a folder of its own.
  std::string bundle(const std::string& config, const std::string& name = "default/plain-1") {
    const std::string folder = files_.path() + "/run/io.containerd.runtime.v2.task/" + name;
    write_text(folder + "/config.json", config);
    return folder;
  }
  FakeProc proc_;
  TempDir cgroups_, files_;
  runtime::cgroup::Hierarchies hierarchies_;
};

TEST_F(Identify, Docker) {
  const std::string path = "/docker/" + kDocker;
  cgroup(path);
  proc_.add(kPid, {.parent = kShim, .mountinfo = mounts("docker"), .network = "its own"});
  const auto answer = ask(path, kFixtures + "docker/files");
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.pid, kPid);
  EXPECT_NE(answer.network_namespace, 0U);
  const Identity& who = answer.who;
  EXPECT_EQ(who.runtime, "docker");
  EXPECT_EQ(who.name, "web-1");
  EXPECT_EQ(who.image, "docker.example/team/sleeper:1.0");
  EXPECT_EQ(who.id, kDocker);
  EXPECT_EQ(label(who, "com.docker.compose.project"), "shop");
  EXPECT_EQ(label(who, "quote"), "\"a\nb\"");
  ASSERT_TRUE(who.created && who.started);
  EXPECT_LT(*who.created, *who.started);
}

// Seen at once after the cgroup was made: the files may be there, the process not yet, or still in the machine's
// mounts.
TEST_F(Identify, DockerBeforeItsProcessIsReady) {
  const std::string path = "/docker/" + kDocker;
  EXPECT_FALSE(ask(path, kFixtures + "docker/files").complete) << "no such cgroup yet";
  cgroup(path, "");
  const auto empty = ask(path, kFixtures + "docker/files");
  EXPECT_FALSE(empty.complete);
  EXPECT_EQ(empty.who.name, kDocker) << "what is known meanwhile";
  cgroup(path);
  EXPECT_FALSE(ask(path, kFixtures + "docker/files").complete) << "the process was gone when it was looked at";
  const std::string others = "1 0 0:2 / / rw - overlay overlay rw,upperdir=/other/docker/overlay2/c/diff\n";
  proc_.add(kPid, {.parent = kShim, .mountinfo = others});
  EXPECT_FALSE(ask(path, kFixtures + "docker/files").complete);
  const TempDir files;
  write_text(files / ("var/lib/docker/containers/" + kDocker + "/config.v2.json"), R"({"Name": "/usual"})");
  EXPECT_EQ(ask(path, files.path()).who.name, "usual") << "where docker's files usually are";
  cgroup(path, "");
  EXPECT_FALSE(ask(path, files.path()).complete) << "its network is not known";
}

TEST_F(Identify, DockerUnderAnotherParentIsToldByItsShim) {
  const std::string path = "/custom/" + kDocker;
  cgroup(path);
  proc_.add(kPid, {.parent = kShim, .mountinfo = mounts("docker")});
  proc_.add(kShim, {.cwd = bundle("{}", "moby/" + kDocker)});
  const auto answer = ask(path, kFixtures + "docker/files");
  EXPECT_EQ(to_string(answer.who.kind), "container");
  EXPECT_EQ(answer.who.runtime, "docker");
  EXPECT_EQ(answer.who.name, "web-1");
}

TEST_F(Identify, DockerOnAFileSystemOfItsOwn) {
  const std::string path = "/docker/" + kDocker;
  cgroup(path);
  proc_.own_mounts("21 20 8:2 / /var rw - ext4 /dev/sda2 rw\n");
  proc_.add(kPid, {.parent = kShim,
                   .mountinfo =
                       "2 1 8:2 /docker/containers/" + kDocker + "/hostname /etc/hostname rw - ext4 /dev/sda2 rw\n"});
  write_text(files_ / ("var/docker/containers/" + kDocker + "/config.v2.json"),
             R"({"Name": "/mounted", "Config": {"Image": "i"}})");
  EXPECT_EQ(ask(path, files_.path()).who.name, "mounted");
}

TEST_F(Identify, Containerd) {
  const std::string folder =
      kFixtures + "containerd/files/srv/containerd/state/io.containerd.runtime.v2.task/default/plain-1";
  cgroup("/default/plain-1");
  proc_.add(kPid, {.parent = 95, .mountinfo = mounts("containerd"), .network = "its own"});
  proc_.add(95, {.parent = kShim, .cwd = "/tmp"});  // what the runtime forked in between
  proc_.add(kShim, {.cwd = folder});
  const auto answer = ask("/default/plain-1", kFixtures + "containerd/files");
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(to_string(answer.who.kind), "container");
  EXPECT_EQ(answer.who.runtime, "containerd");
  EXPECT_EQ(answer.who.id, "plain-1");
  EXPECT_EQ(answer.who.name, "plain-1");
  EXPECT_EQ(answer.who.image, "containerd.example/team/sleeper:2.0");
  EXPECT_EQ(label(answer.who, "team"), "blue");
  EXPECT_NE(answer.network_namespace, 0U);
}

TEST_F(Identify, ContainerdWithoutItsDatabaseIsAskedAgain) {
  cgroup("/default/plain-1");
  proc_.add(kPid, {.parent = kShim, .mountinfo = mounts("containerd")});
  proc_.add(kShim, {.cwd = bundle("{}")});
  const auto answer = ask("/default/plain-1", files_.path());
  EXPECT_EQ(to_string(answer.who.kind), "container");
  EXPECT_EQ(answer.who.name, "plain-1");
  EXPECT_EQ(answer.who.image, "");
  EXPECT_FALSE(answer.complete);
}

TEST_F(Identify, AFolderOfTheSameNameIsNoBundle) {
  cgroup("/user/plain-1");
  write_text(files_ / "home/default/plain-1/config.json", "{}");
  proc_.add(kPid, {.parent = kShim});
  proc_.add(kShim, {.cwd = files_ / "home/default/plain-1"});
  const auto answer = ask("/user/plain-1", files_.path());
  EXPECT_EQ(to_string(answer.who.kind), "other");
  EXPECT_TRUE(answer.complete);
}

constexpr const char* kCri = R"({"annotations": {
  "io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.container-name": "main", "io.kubernetes.cri.sandbox-name": "web-0",
  "io.kubernetes.cri.sandbox-namespace": "shop", "io.kubernetes.cri.sandbox-uid": "uid", "io.kubernetes.cri.image-name": "nginx:1"}})";

TEST_F(Identify, ContainerdsCri) {
  const std::string id = kDocker;
  const std::string path = "/kubepods/burstable/pod" + kPodUid + "/" + id;
  cgroup(path);
  proc_.add(kPid, {.parent = kShim});
  proc_.add(kShim, {.cwd = bundle(kCri, "k8s.io/" + id)});
  const auto answer = ask(path, files_.path());
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.who.runtime, "containerd");
  EXPECT_EQ(answer.who.name, "main");
  EXPECT_EQ(answer.who.container, "main");
  EXPECT_EQ(answer.who.pod, "web-0");
  EXPECT_EQ(answer.who.namespace_, "shop");
  EXPECT_EQ(answer.who.image, "nginx:1");
  EXPECT_FALSE(answer.who.infrastructure);
}

TEST_F(Identify, Podman) {
  const std::string path = "/libpod_parent/libpod-" + kPodman;
  cgroup(path + "/container");  // crun's inner group
  cgroup(path, "0\n");
  proc_.add(kPid, {.parent = kShim, .mountinfo = mounts("podman"), .network = "its own"});
  const auto answer = ask(path, kFixtures + "podman/files");
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.pid, kPid);
  EXPECT_EQ(answer.who.name, "pod-sleeper");
  EXPECT_EQ(answer.who.image, "podman.example/team/sleeper:3.0");
  EXPECT_EQ(label(answer.who, "team"), "red") << "from its database";
  EXPECT_TRUE(answer.who.created);
}

// Rootless, or with a driver that is no overlay: the layers are not seen in the mounts.
TEST_F(Identify, PodmanByItsMonitor) {
  const std::string path = "/user.slice/libpod-" + kPodman + ".scope";
  cgroup(path);
  proc_.add(kPid, {.parent = kShim, .mountinfo = "1 0 0:9 / / rw - fuse.fuse-overlayfs fuse-overlayfs rw\n"});
  proc_.add(kShim, {.cmdline = read_text(kFixtures + "podman/conmon")});
  const auto answer = ask(path, kFixtures + "podman/files");
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.who.image, "podman.example/team/sleeper:3.0");
  const auto without_files = ask(path, files_.path());
  EXPECT_EQ(without_files.who.name, "pod-sleeper") << "conmon's -n";
  EXPECT_FALSE(without_files.complete);
}

TEST_F(Identify, PodmanThatRemovesItselfIsInTheVolatileList) {
  const std::string path = "/libpod_parent/libpod-" + kPodman;
  cgroup(path);
  proc_.add(kPid, {.mountinfo = "1 0 0:9 / / rw - overlay overlay rw,upperdir=/g/overlay/x/diff\n"});
  write_text(files_ / "g/overlay-containers/containers.json", "[]");
  write_text(files_ / "g/overlay-containers/volatile-containers.json",
             R"([{"id": ")" + kPodman + R"(", "names": ["short"], "metadata": "{\"image-name\": \"i:1\"}"}])");
  const auto answer = ask(path, files_.path());
  EXPECT_EQ(answer.who.name, "short");
  EXPECT_EQ(answer.who.image, "i:1");
  EXPECT_TRUE(answer.complete);
}

TEST_F(Identify, Crio) {
  const std::string path =
      "/kubepods.slice/kubepods-pod0f9e1c2d_1111_2222_3333_444455556666.slice/crio-" + kPodman + ".scope";
  cgroup(path);
  proc_.add(kPid, {.mountinfo = "1 0 0:9 / / rw - overlay overlay rw,upperdir=/g/overlay/x/diff\n"});
  const auto config = [](const std::string& type) {
    return R"({"annotations": {"io.kubernetes.cri-o.ContainerType": ")" + type +
           R"(", "io.kubernetes.cri-o.Name": "k8s_main_web-0_shop_uid_0",
      "io.kubernetes.cri-o.ImageName": "quay.io/nginx:1", "io.kubernetes.container.name": "main", "io.kubernetes.pod.name": "web-0",
      "io.kubernetes.pod.namespace": "shop", "io.kubernetes.cri-o.Labels": "{\"app\": \"web\"}", "io.kubernetes.cri-o.Created": "2026-11-24T02:32:02Z"}})";
  };
  const std::string file = files_ / ("g/overlay-containers/" + kPodman + "/userdata/config.json");
  write_text(file, config("container"));
  const auto answer = ask(path, files_.path());
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.who.container, "main");
  EXPECT_EQ(answer.who.pod, "web-0");
  EXPECT_EQ(answer.who.namespace_, "shop");
  EXPECT_EQ(answer.who.pod_uid, kPodUid);
  EXPECT_EQ(answer.who.image, "quay.io/nginx:1");
  EXPECT_EQ(label(answer.who, "app"), "web");
  EXPECT_TRUE(answer.who.created);
  write_text(file, config("sandbox"));
  const auto sandbox = ask(path, files_.path());
  EXPECT_TRUE(sandbox.who.infrastructure);
  EXPECT_EQ(sandbox.who.container, "");
}

TEST_F(Identify, APodByItsLogs) {
  const std::string path = "/kubepods/burstable/pod" + kPodUid;
  EXPECT_FALSE(ask(path, files_.path()).complete) << "no logs yet";
  write_text(files_ / ("var/log/pods/shop_web-0_" + kPodUid + "/main/0.log"), "");
  write_text(files_ / ("var/log/pods/noname_" + kPodUid + "x/main/0.log"), "");
  const auto answer = ask(path, files_.path());
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.who.namespace_, "shop");
  EXPECT_EQ(answer.who.pod, "web-0");
}

TEST_F(Identify, UnitsAndEmptyGroupsNeedNoFiles) {
  for (const char* path : {"/system.slice/ssh.service", "/"}) EXPECT_TRUE(ask(path, files_.path()).complete);
  cgroup("/mine/nested", "");
  EXPECT_FALSE(ask("/mine/nested", files_.path()).complete) << "it may become a container";
  EXPECT_TRUE(ask("/top", files_.path()).complete);
}

TEST_F(Identify, TheMachinesOwnNetworkIsNobodys) {
  cgroup("/lxc/box");
  proc_.add(kPid, {});
  EXPECT_EQ(ask("/lxc/box", "").network_namespace, 0U);
  proc_.add(kPid, {.network = "its own"});
  EXPECT_NE(ask("/lxc/box", "").network_namespace, 0U);
  EXPECT_EQ(ask("/lxc/box", "").who.name, "box");
}

TEST_F(Identify, MalformedFilesLeaveTheNameUnknown) {
  const std::string path = "/docker/" + kDocker;
  cgroup(path);
  proc_.add(kPid, {.parent = kShim});
  const std::string file = files_ / ("var/lib/docker/containers/" + kDocker + "/config.v2.json");
  const std::string good =
      R"({"Name": "/n", "Config": {"Image": "i", "Labels": {"a": "b"}}, "State": {}, "Created": "2026-11-24T02:32:02Z"})";
  for (std::size_t size = 0; size < good.size(); ++size) {
    write_text(file, good.substr(0, size));
    const auto answer = ask(path, files_.path());
    EXPECT_FALSE(answer.complete) << size;
    EXPECT_EQ(answer.who.name, kDocker) << size;
  }
  for (const std::string& text :
       {std::string(R"({"Name": 5, "Config": [], "State": "x", "Created": {}})"),
        std::string(R"({"Config": {"Labels": [1]}})"), std::string(R"({"Config": {"Labels": {"a": 1}}})"),
        std::string("[]"), std::string("null"), std::string("{\"Name\": \"\xff\"}"), std::string(1'000'000, '['),
        R"({"Name": "/n", "a": )" + std::string(500'000, '[') + std::string(500'000, ']') + "}"}) {
    write_text(file, text);
    EXPECT_EQ(ask(path, files_.path()).who.name, kDocker) << text.substr(0, 60);
  }
  write_text(file, "{\"Name\": \"/" + std::string(4096, 'n') + "\"}");
  EXPECT_EQ(ask(path, files_.path()).who.name, std::string(4096, 'n'));
}

}  // namespace
}  // namespace mete::collectors
