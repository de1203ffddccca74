// SPDX-License-Identifier: Apache-2.0
// A LaunchSpec as config.json for another runtime: mete-oci's own reader gets the same LaunchSpec of it.
#include "runtime/oci/config/write_config.h"

#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <functional>
#include <random>

#include "runtime/json.h"
#include "runtime/oci/config/config.h"
#include "runtime/oci/config/seccomp_file.h"
#include "runtime/pod/container_spec.h"
#include "runtime/process/capabilities.h"
#include "runtime/process/seccomp.h"

namespace mete::runtime::oci {
namespace {

using process::LaunchSpec;
using process::MountSpec;
using process::NamespaceKind;

Surroundings surroundings() {
  Surroundings some;
  some.bundle = "/bundle";
  some.apparmor = true;
  some.cgroup_view.v1 = {{"memory", "memory"}};
  return some;
}

// The same container in one form: what the two ways of saying it have in common.
LaunchSpec in_one_form(LaunchSpec spec) {
  const auto own_name = std::any_of(spec.namespaces.begin(), spec.namespaces.end(),
                                    [](const auto& use) { return use.kind == NamespaceKind::uts && use.path.empty(); });
  if (!own_name) spec.hostname.clear();
  if (own_name && !spec.domainname.empty()) spec.sysctls["kernel.domainname"] = spec.domainname;
  spec.domainname.clear();
  spec.overlay.reset();
  spec.root_attributes = 0;
  spec.session_keyring.clear();
  spec.identity.seccomp_filter.clear();
  spec.identity.umask = spec.identity.umask.value_or(022);
  if (spec.receive_host_mounts) spec.root_propagation = MS_SLAVE | MS_REC;
  for (auto& mount : spec.mounts) {
    // Without other mounts below, what holds for all holds for the topmost one.
    if (mount.type == "bind") mount.top_attributes |= mount.attributes;
    if (mount.type == "bind" && !mount.recursive) {
      mount.top_cleared |= mount.cleared;
      mount.attributes = mount.cleared = 0;
    }
    if (mount.type == "mqueue") mount.optional = true;
    if (spec.receive_host_mounts && mount.propagation == 0) mount.propagation = MS_PRIVATE | MS_REC;
  }
  // The runtime makes them of its own view of the hierarchies.
  for (auto& mount : spec.cgroup_mounts) mount = {.destination = mount.destination, .attributes = mount.attributes};
  const auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
  std::sort(spec.devices.begin(), spec.devices.end(), by_path);
  return spec;
}

// Named one by one: a whole LaunchSpec that differs says nothing.
void expect_same(const LaunchSpec& found, const LaunchSpec& expected) {
  EXPECT_TRUE(found.namespaces == expected.namespaces);
  EXPECT_EQ(found.rootfs, expected.rootfs);
  EXPECT_EQ(found.read_only_root, expected.read_only_root);
  EXPECT_EQ(found.root_propagation, expected.root_propagation);
  EXPECT_EQ(found.receive_host_mounts, expected.receive_host_mounts);
  ASSERT_EQ(found.mounts.size(), expected.mounts.size());
  for (std::size_t i = 0; i < found.mounts.size(); ++i) {
    EXPECT_TRUE(found.mounts[i] == expected.mounts[i])
        << found.mounts[i].destination << " " << found.mounts[i].attributes << " " << expected.mounts[i].attributes;
  }
  EXPECT_TRUE(found.cgroup_mounts == expected.cgroup_mounts);
  EXPECT_TRUE(found.devices == expected.devices);
  EXPECT_EQ(found.masked_paths, expected.masked_paths);
  EXPECT_EQ(found.read_only_paths, expected.read_only_paths);
  EXPECT_EQ(found.sysctls, expected.sysctls);
  EXPECT_EQ(found.hostname, expected.hostname);
  EXPECT_EQ(found.args, expected.args);
  EXPECT_EQ(found.env, expected.env);
  EXPECT_EQ(found.cwd, expected.cwd);
  EXPECT_TRUE(found.identity == expected.identity);
  EXPECT_TRUE(found.terminal == expected.terminal);
  EXPECT_EQ(found.oom_score_adj, expected.oom_score_adj);
}

void expect_read_back(const LaunchSpec& spec) {
  const auto text = write_config(spec, {"/mete/web/c", {}, {}});
  ASSERT_TRUE(text) << text.error().what;
  const auto config = read_config(*text, surroundings());
  ASSERT_TRUE(config) << config.error().what << "\n" << *text;
  EXPECT_TRUE(config->warnings.empty());
  EXPECT_EQ(config->cgroups_path, "/mete/web/c");
  EXPECT_FALSE(config->resources.limits_something());
  expect_same(in_one_form(config->launch), in_one_form(spec));
}

LaunchSpec pod_spec(const std::function<void(config::PodPlan&, pod::ContainerContext&)>& change);

TEST(WriteConfig, HooksAreReadBack) {
  const LaunchSpec spec = pod_spec([](config::PodPlan&, pod::ContainerContext&) {});
  Hooks hooks;
  hooks.prestart = {{"/bin/a", {}, std::nullopt, std::nullopt}};
  hooks.create_runtime = {{"/bin/b", {"b", "x y"}, std::nullopt, std::nullopt}};
  hooks.create_container = {{"/bin/c", {}, std::vector<std::string>{"A=b"}, std::chrono::seconds(3)},
                            {"/bin/d", {}, {}, {}}};
  hooks.start_container = {{"/bin/e", {}, {}, {}}};
  hooks.poststart = {{"/bin/f", {}, {}, {}}};
  hooks.poststop = {{"/bin/g", {}, {}, {}}};
  const auto text = write_config(spec, {"/mete/web/c", {}, {}, hooks});
  ASSERT_TRUE(text) << text.error().what;
  const auto config = read_config(*text, surroundings());
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_TRUE(config->hooks == hooks) << *text;
}

LaunchSpec pod_spec(const std::function<void(config::PodPlan&, pod::ContainerContext&)>& change) {
  config::PodPlan plan;
  plan.pod.metadata.name = "web";
  config::Container container;
  container.name = "c";
  plan.pod.spec.containers = {container};
  plan.containers = {{.name = "c", .env = {{"A", "b=c d"}}, .command = {"/bin/run", "-x", ""}}};
  pod::ContainerContext context;
  context.rootfs = "/attempt/root";
  context.overlay = process::OverlayRoot{"/layers", {"l"}, "/up", "/work", {}};
  context.cgroup_view.v1 = {{"memory", "memory"}};
  change(plan, context);
  auto spec = pod::container_spec(plan, plan.pod.spec.containers[0], plan.containers[0], context);
  EXPECT_TRUE(spec) << (spec ? "" : spec.error().what);
  return spec.value_or(LaunchSpec());
}

TEST(WriteConfig, APlainContainerIsReadBack) {
  expect_read_back(pod_spec([](auto&, auto&) {}));
}

TEST(WriteConfig, EachPartOfAPodIsReadBack) {
  const std::vector<std::function<void(config::PodPlan&, pod::ContainerContext&)>> changes = {
      [](auto& plan, auto&) { plan.pod.spec.host_network = true; },
      [](auto& plan, auto&) { plan.pod.spec.host_pid = plan.pod.spec.host_ipc = true; },
      [](auto&, auto& context) { context.sandbox_pid = 7; },
      [](auto& plan, auto& context) {
        plan.pod.spec.share_process_namespace = true;
        context.sandbox_pid = 7;
      },
      [](auto&, auto& context) { context.network_namespace = "/run/netns/x"; },
      [](auto& plan, auto&) { plan.pod.spec.containers[0].security.edit().privileged = true; },
      [](auto& plan, auto&) { plan.pod.spec.containers[0].security.edit().read_only_root_filesystem = true; },
      [](auto& plan, auto&) {
        auto& security = plan.pod.spec.containers[0].security.edit();
        security.run_as_user = 1000;
        security.run_as_group = 7;
        security.allow_privilege_escalation = false;
        security.drop_capabilities = {"ALL"};
        security.add_capabilities = {"NET_BIND_SERVICE"};
        plan.pod.spec.security.edit().supplemental_groups = {5, 6};
      },
      [](auto& plan, auto&) { plan.pod.spec.containers[0].tty = true; },
      [](auto&, auto& context) { context.oom_score_adj = -997; },
      [](auto& plan, auto& context) {
        context.volumes = {{"v", "/host/v"}, {"w", "/host/w"}};
        plan.pod.spec.volumes = {{"v", config::EmptyDirVolume{}, {}}, {"w", config::EmptyDirVolume{}, {}}};
        plan.pod.spec.containers[0].volume_mounts = {
            {.name = "v", .mount_path = "/data", .read_only = true},
            {.name = "w", .mount_path = "/more", .propagation = config::MountPropagation::kHostToContainer}};
      },
      [](auto& plan, auto& context) {
        auto& extras = plan.pod.spec.containers[0].extras.edit();
        extras.domainname = "example.org";
        extras.shm_size = Bytes(1 << 20);
        extras.tmpfs = {{"/scratch", "size=1m,exec,mode=1770"}};
        extras.bounds = {{"nofile", 100, 200}};
        context.devices = {{"/dev/fuse", S_IFCHR | 0660, makedev(10, 229), 3, 4}};
      }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE(i);
    expect_read_back(pod_spec(changes[i]));
  }
}

// Attributes, rights and limits in all combinations that the two ways can say.
LaunchSpec random_spec(std::mt19937& dice) {
  const auto one_of = [&](std::uint32_t count) { return dice() % count; };
  constexpr std::uint64_t kBits[] = {MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC,
                                     MOUNT_ATTR_NODIRATIME};
  const auto attributes = [&] {
    std::uint64_t set = 0;
    for (const auto bit : kBits) set |= one_of(2) == 0 ? bit : 0;
    constexpr std::uint64_t kTimes[] = {0, MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME};
    return set | kTimes[one_of(3)];
  };
  LaunchSpec spec = pod_spec([](auto&, auto&) {});
  for (std::size_t i = 0, count = one_of(5); i < count; ++i) {
    MountSpec mount{.destination = "/m" + std::to_string(i), .type = "bind", .source = "/s" + std::to_string(i)};
    mount.recursive = one_of(2) == 0;
    mount.attributes = attributes();
    if (one_of(4) == 0)
      mount = {.destination = mount.destination,
               .type = "tmpfs",
               .source = "t",
               .data = "size=1m,mode=700",
               .attributes = attributes()};
    spec.mounts.push_back(mount);
  }
  auto& sets = spec.identity.capabilities;
  sets.bounding = (std::uint64_t{dice()} << 32U | dice()) & process::all_capabilities();
  sets.permitted = sets.bounding & dice();
  sets.effective = sets.permitted & dice();
  sets.inheritable = sets.bounding & dice();
  sets.ambient = sets.permitted & sets.inheritable;
  if (one_of(2) == 0) spec.identity.umask = one_of(512);
  if (one_of(2) == 0) spec.identity.rlimits = {{RLIMIT_CORE, 0, dice()}, {RLIMIT_NOFILE, 3, RLIM_INFINITY}};
  if (one_of(2) == 0) spec.identity.apparmor_profile = "mete-default";
  if (one_of(2) == 0) spec.terminal = process::TerminalSpec{static_cast<std::uint16_t>(1 + one_of(99)), 7};
  spec.identity.no_new_privileges = one_of(2) == 0;
  spec.cwd = one_of(2) == 0 ? "/" : "/w";
  return spec;
}

TEST(WriteConfig, RandomContainersAreReadBack) {
  constexpr unsigned kSeed = 1729;
  std::mt19937 dice(kSeed);
  for (int i = 0; i < 500; ++i) {
    SCOPED_TRACE(i);
    expect_read_back(random_spec(dice));
    if (HasFailure()) break;
  }
}

TEST(WriteConfig, DeviceRulesAreReadBackAndNothingIsLimited) {
  const std::vector<cgroup::DeviceRule> rules = {
      {}, {true, 'c', std::nullopt, std::nullopt, "m"}, {true, 'c', 1, 3, "rwm"}, {false, 'b', 8, std::nullopt, "w"}};
  const auto text = write_config(pod_spec([](auto&, auto&) {}), {"/g", rules, {}});
  ASSERT_TRUE(text);
  const auto config = read_config(*text, surroundings());
  ASSERT_TRUE(config);
  EXPECT_EQ(config->resources.device_rules, rules);
}

TEST(WriteConfig, SeccompProfilesAreReadBack) {
  SeccompProfile other;
  other.default_action = SECCOMP_RET_ALLOW;
  other.flags = SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  other.rules = {
      {{"chmod", "fchmod"}, SECCOMP_RET_ERRNO | 13, {}},
      {{"mount"}, SECCOMP_RET_KILL_PROCESS, {}},
      {{"ptrace"}, SECCOMP_RET_TRACE | 7, {{1, ~0ULL, 5, Compare::masked_equal}, {2, 3, 0, Compare::not_equal}}},
      {{"kill"}, SECCOMP_RET_LOG, {{0, 1, 0, Compare::greater_equal}}},
      {{"dup"}, SECCOMP_RET_TRAP, {{0, 1, 0, Compare::less_equal}}}};
  for (const auto& profile : {process::default_seccomp_profile(0), process::default_seccomp_profile(~0ULL), other}) {
    const auto read = read_seccomp_file(seccomp_text(profile), "it");
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_TRUE(*read == profile) << seccomp_text(profile).substr(0, 400) << "\n" << seccomp_text(*read).substr(0, 400);
    EXPECT_TRUE(compile_seccomp(*read));
  }
  const auto text = write_config(pod_spec([](auto&, auto&) {}), {"/g", {}, other});
  ASSERT_TRUE(text);
  const auto config = read_config(*text, surroundings());
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_TRUE(config->seccomp == other);
}

TEST(WriteConfig, WhatRuntimesCannotDoIsRefused) {
  const auto error_of = [](const std::function<void(LaunchSpec&)>& change) {
    LaunchSpec spec = pod_spec([](auto&, auto&) {});
    change(spec);
    const auto text = write_config(spec, {"/g", {}, {}});
    return text ? std::string() : text.error().what;
  };
  const auto says = [&](const std::function<void(LaunchSpec&)>& change, const std::string& part) {
    const std::string error = error_of(change);
    EXPECT_NE(error.find(part), std::string::npos) << part << ": " << error;
    EXPECT_NE(error.find("expected"), std::string::npos) << error;
  };
  says([](auto& spec) { spec.init = true; }, "init process");
  says([](auto& spec) { spec.namespaces.push_back({NamespaceKind::user, ""}); }, "hostUsers");
  says([](auto& spec) { spec.overlay->owners.uids = {{0, 1, 1}}; }, "hostUsers");
  says([](auto& spec) { spec.mounts[0].id_map.uids = {{0, 1, 1}}; }, "mapped owners");
  says([](auto& spec) { spec.mounts[0].sub_path = "a"; }, "below the source");
  says([](auto& spec) { spec.mounts[0].copy_up = true; }, "copy");
  says([](auto& spec) { spec.mounts[0].remount = true; }, "change of a mount");
  says([](auto& spec) { spec.mounts[0].propagation = MS_SHARED | MS_REC; }, "Bidirectional");
  says([](auto& spec) { spec.mounts[0].attributes |= 1U << 31U; }, "no name");
  says([](auto& spec) { spec.hooks = true; }, "hooks");
  says([](auto& spec) { spec.tuning.io_priority = 1; }, "scheduling");
  says([](auto& spec) { spec.namespaces.clear(); }, "mount namespace");
  says([](auto& spec) { spec.identity.seccomp_filter = "compiled"; }, "profile");
  says([](auto& spec) { spec.args.push_back("\xff"); }, "UTF-8");
}

}  // namespace
}  // namespace mete::runtime::oci
