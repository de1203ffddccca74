// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "collectors/discovery/identity.h"

namespace mete::collectors {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kUid = "0f9e1c2d-1111-2222-3333-444455556666";
const std::string kUidSystemd = "0f9e1c2d_1111_2222_3333_444455556666";

struct Case {
  std::string path;
  CgroupKind kind;
  std::string runtime;
  std::string id;
  std::string pod_uid;
  bool infrastructure = false;
};

const std::vector<Case>& containers() {
  using enum CgroupKind;
  static const std::string kubepods =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidSystemd + ".slice";
  static const std::vector<Case> cases = {
      {"/docker/" + kId, kContainer, "docker", kId, ""},
      {"/system.slice/docker-" + kId + ".scope", kContainer, "docker", kId, ""},
      {"/docker/" + kId + "/docker/" + kId, kContainer, "docker", kId, ""},
      {"/system.slice/system.slice:docker:" + kId, kContainer, "docker", kId, ""},
      {"/libpod_parent/libpod-" + kId, kContainer, "podman", kId, ""},
      {"/machine.slice/libpod-" + kId + ".scope", kContainer, "podman", kId, ""},
      {"/machine.slice/libpod-conmon-" + kId + ".scope", kScope, "podman", kId, "", true},
      {"/libpod_parent/conmon", kOther, "", "", ""},
      {"/system.slice/web.service/libpod-payload-" + kId, kContainer, "podman", kId, ""},
      {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId + ".scope", kContainer, "podman", kId,
       ""},
      {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId + ".scope/container", kOther, "", "",
       ""},
      {kubepods + "/crio-" + kId + ".scope", kContainer, "crio", kId, kUid},
      {kubepods + "/crio-conmon-" + kId + ".scope", kScope, "crio", kId, kUid, true},
      {kubepods + "/cri-containerd-" + kId + ".scope", kContainer, "containerd", kId, kUid},
      {kubepods + "/docker-" + kId + ".scope", kContainer, "docker", kId, kUid},
      {kubepods, kPod, "kubelet", "", kUid},
      {"/kubepods.slice/kubepods-pod" + kUidSystemd + ".slice", kPod, "kubelet", "", kUid},
      {"/kubepods/burstable/pod" + kUid, kPod, "kubelet", "", kUid},
      {"/kubepods/pod" + kUid + "/" + kId, kContainer, "kubelet", kId, kUid},
      {"/kubepods/besteffort/pod" + kUid + "/" + kId, kContainer, "kubelet", kId, kUid},
      {"/kubepods/podd41d8cd98f00b204e9800998ecf8427e/" + kId, kContainer, "kubelet", kId,
       "d41d8cd98f00b204e9800998ecf8427e"},
      {"/system.slice/containerd.service/kubepods-burstable-pod" + kUidSystemd + ".slice:cri-containerd:" + kId,
       kContainer, "containerd", kId, kUid},
      {"/docker/" + kId + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + kUidSystemd + ".slice", kPod,
       "kubelet", "", kUid},
      {"/kubepods/burstable", kOther, "", "", ""},
      {"/lxc/box", kContainer, "lxc", "box", ""},
      {"/lxc.payload.box", kContainer, "lxc", "box", ""},
      {"/lxc.monitor.box", kScope, "lxc", "box", "", true},
  };
  return cases;
}

TEST(ClassifyPath, KnowsTheContainersOfAllRuntimes) {
  for (const Case& each : containers()) {
    const Identity who = classify_path(each.path);
    EXPECT_EQ(to_string(who.kind), to_string(each.kind)) << each.path;
    EXPECT_EQ(who.runtime, each.runtime) << each.path;
    EXPECT_EQ(who.id, each.id) << each.path;
    EXPECT_EQ(who.pod_uid, each.pod_uid) << each.path;
    EXPECT_EQ(who.infrastructure, each.infrastructure) << each.path;
  }
}

TEST(ClassifyPath, KnowsUnitsByTheirName) {
  const auto expect = [](std::string_view path, CgroupKind kind, std::string_view name) {
    const Identity who = classify_path(path);
    EXPECT_EQ(to_string(who.kind), to_string(kind)) << path;
    EXPECT_EQ(who.name, name) << path;
    EXPECT_EQ(who.runtime, "systemd") << path;
  };
  expect("/system.slice", CgroupKind::kSlice, "system.slice");
  expect("/kubepods.slice/kubepods-burstable.slice", CgroupKind::kSlice, "kubepods-burstable.slice");
  expect("/system.slice/ssh.service", CgroupKind::kService, "ssh.service");
  expect("/user.slice/user-0.slice/session-3.scope", CgroupKind::kScope, "session-3.scope");
  expect("/system.slice/system-getty.slice/getty@tty1.service", CgroupKind::kService, "getty@tty1.service");
  expect("/system.slice/dev-disk\\x2dby.service", CgroupKind::kService, "dev-disk-by.service");
  expect("/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", CgroupKind::kScope, "machine-qemu-1-vm.scope");
  expect("/system.slice/docker-tooshort.scope", CgroupKind::kScope, "docker-tooshort.scope");
  expect("/lxc.payload.box/system.slice/ssh.service", CgroupKind::kService, "ssh.service");
  expect("/system.slice/run-rpc:pipefs:x.service", CgroupKind::kService, "run-rpc:pipefs:x.service");
}

TEST(ClassifyPath, TellsNothingOfOthers) {
  EXPECT_EQ(classify_path("/").kind, CgroupKind::kRoot);
  EXPECT_EQ(classify_path("").kind, CgroupKind::kRoot);
  const std::vector<std::string> others = {
      "/default/plain-ctr",
      "/custom/" + kId,  // containerd's, or docker's with another parent: only its process tells
      "/docker",
      "/docker/" + kId.substr(1),
      "/docker/" + kId.substr(1) + "G",
      "/docker/" + kId + "/nested",
      "/lxc",
      "/lxc.payload.",
      "/podling",  // "pod" without kubepods above it
      "/user/pod" + kUid,
      "/a:b:c",
      "/:",
      "//",
  };
  for (const std::string& path : others) {
    const Identity who = classify_path(path);
    EXPECT_EQ(to_string(who.kind), "other") << path;
    EXPECT_TRUE(who.runtime.empty() && who.id.empty()) << path;
  }
}

TEST(UnescapeUnit, LeavesWhatIsNoEscape) {
  EXPECT_EQ(unescape_unit("a\\x2db\\x5cc"), "a-b\\c");
  EXPECT_EQ(unescape_unit("a\\x2"), "a\\x2");
  EXPECT_EQ(unescape_unit("\\x"), "\\x");
  EXPECT_EQ(unescape_unit("\\xzz\\"), "\\xzz\\");
  EXPECT_EQ(unescape_unit("\\x2g"), "\\x2g");
  EXPECT_EQ(unescape_unit(""), "");
}

}  // namespace
}  // namespace mete::collectors
