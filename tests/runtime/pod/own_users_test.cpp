// SPDX-License-Identifier: Apache-2.0
// hostUsers: false, as a LaunchSpec and a plan.
#include "runtime/pod/own_users.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/pod/network_sysctls.h"
#include "runtime/process/plan/plan.h"

namespace mete::runtime::pod {
namespace {

constexpr std::uint32_t kFirst = 1879048192;

struct Made {
  config::PodPlan plan;
  ContainerContext context;

  Made() {
    plan.pod.metadata.name = "p";
    plan.pod.spec.host_users = false;
    config::Container container;
    container.name = "main";
    container.volume_mounts.push_back({.name = "v", .mount_path = "/v", .sub_path = "a"});
    plan.pod.spec.containers.push_back(container);
    plan.pod.spec.volumes.push_back({"v", config::EmptyDirVolume{}, {}});
    plan.containers.push_back({.name = "main", .command = {"/run"}});
    context.overlay = process::OverlayRoot{"/layers", {"l"}, "/up", "/work", {}};
    context.rootfs = "/root";
    context.volumes["v"] = "/volumes/v";
    context.users = kFirst;
  }
  [[nodiscard]] process::LaunchSpec spec() const {
    auto made = container_spec(plan, plan.pod.spec.containers[0], plan.containers[0], context);
    EXPECT_TRUE(made) << (made ? "" : made.error().what);
    return made.value_or(process::LaunchSpec());
  }
};

TEST(OwnUsers, ANamespaceOfItsOwnWithMappedOwners) {
  const auto spec = Made().spec();
  EXPECT_EQ(spec.namespaces.front(), (process::NamespaceUse{process::NamespaceKind::user, ""}));
  const process::IdMapping all{0, kFirst, 65536};
  EXPECT_EQ(spec.uid_mappings, std::vector{all});
  EXPECT_EQ(spec.gid_mappings, std::vector{all});
  EXPECT_EQ(spec.overlay->owners.uids, std::vector{all});
  EXPECT_EQ(spec.stdio_owner, kFirst);
  const auto volume =
      std::find_if(spec.mounts.begin(), spec.mounts.end(), [](const auto& m) { return m.destination == "/v"; });
  ASSERT_NE(volume, spec.mounts.end());
  EXPECT_EQ(volume->id_map.uids, std::vector{all});
  EXPECT_EQ(spec.sysctls.at(kPingGroups), "0 65535");
  const auto plan = process::make_plan(spec);
  ASSERT_TRUE(plan) << plan.error().what;
  const auto root = std::find_if(plan->ops.begin(), plan->ops.end(),
                                 [](const auto& op) { return std::holds_alternative<process::MountRoot>(op); });
  ASSERT_NE(root, plan->ops.end());
  EXPECT_EQ(std::get<process::MountRoot>(*root).prepared, spec.overlay);
}

TEST(OwnUsers, TheSandboxsNamespaceIsJoined) {
  Made it;
  it.context.sandbox_pid = 7;
  const auto spec = it.spec();
  EXPECT_EQ(spec.namespaces.front(), (process::NamespaceUse{process::NamespaceKind::user, "/proc/7/ns/user"}));
  EXPECT_TRUE(spec.uid_mappings.empty());
  EXPECT_EQ(sandbox_spec(it.plan.pod, {}, "", kFirst).namespaces.front().kind, process::NamespaceKind::user);
}

TEST(OwnUsers, ANetworkOfTheMachinesIsNotWrittenFromInside) {
  Made it;
  it.context.network_namespace = "/run/net";
  it.plan.pod.spec.security.edit().sysctls = {{"net.core.somaxconn", "9"}, {"kernel.shm_rmid_forced", "1"}};
  const auto spec = it.spec();
  EXPECT_EQ(spec.sysctls.size(), 1U);
  EXPECT_EQ(sysctls_of(it.plan.pod).at("net.core.somaxconn"), "9");
  EXPECT_TRUE(std::any_of(spec.mounts.begin(), spec.mounts.end(),
                          [](const auto& m) { return m.type == "bind" && m.source == "/sys"; }));
  EXPECT_TRUE(std::none_of(spec.mounts.begin(), spec.mounts.end(), [](const auto& m) { return m.type == "sysfs"; }));
}

TEST(OwnUsers, WithoutThemNothingIsMapped) {
  Made it;
  it.context.users.reset();
  const auto spec = it.spec();
  EXPECT_TRUE(spec.overlay->owners.empty() && spec.uid_mappings.empty() && !spec.stdio_owner);
}

}  // namespace
}  // namespace mete::runtime::pod
