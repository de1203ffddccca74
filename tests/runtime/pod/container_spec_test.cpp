// SPDX-License-Identifier: Apache-2.0
// A Pod's container as a LaunchSpec.
#include "runtime/pod/container_spec.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>

#include "runtime/pod/name_files.h"
#include "runtime/process/capabilities.h"
#include "runtime/process/plan/plan.h"

namespace mete::runtime {
namespace {

using process::LaunchSpec;
using process::NamespaceKind;

config::PodPlan pod_plan() {
  config::PodPlan plan;
  plan.pod.metadata.name = "web";
  config::Container container;
  container.name = "c";
  plan.pod.spec.containers = {container};
  plan.containers = {{.name = "c", .env = {{"A", "pod"}}}};
  return plan;
}

Result<LaunchSpec> spec_of(const config::PodPlan& plan, const pod::ContainerContext& context) {
  return pod::container_spec(plan, plan.pod.spec.containers[0], plan.containers[0], context);
}

TEST(ContainerSpec, CommandAndArgsReplaceTheImagesAsInKubernetes) {
  pod::ContainerContext context;
  context.image.entrypoint = {"entry"};
  context.image.cmd = {"cmd"};
  const auto line = [&](std::vector<std::string> command, std::vector<std::string> args) {
    auto plan = pod_plan();
    plan.containers[0].command = std::move(command);
    plan.containers[0].args = std::move(args);
    return spec_of(plan, context)->args;
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(line({}, {}), (Words{"entry", "cmd"}));
  EXPECT_EQ(line({"c"}, {}), (Words{"c"}));
  EXPECT_EQ(line({}, {"a"}), (Words{"entry", "a"}));
  EXPECT_EQ(line({"c"}, {"a"}), (Words{"c", "a"}));
  context.image = {};
  EXPECT_FALSE(spec_of(pod_plan(), context));
}

TEST(ContainerSpec, TheManifestsEnvironmentWinsOverTheImages) {
  pod::ContainerContext context;
  context.image.cmd = {"x"};
  context.image.env = {"A=image", "PATH=/image"};
  const auto env = spec_of(pod_plan(), context)->env;
  EXPECT_EQ(env, (std::vector<std::string>{"PATH=/image", "HOSTNAME=web", "A=pod", "HOME=/"}));
}

TEST(ContainerSpec, RightsAreTheDefaultOnesUnlessAsked) {
  pod::ContainerContext context;
  context.image.cmd = {"x"};
  auto plan = pod_plan();
  auto& security = plan.pod.spec.containers[0].security.edit();
  EXPECT_EQ(spec_of(plan, context)->identity.capabilities.effective, process::default_capabilities());
  EXPECT_EQ(spec_of(plan, context)->identity.capabilities.inheritable, 0U);
  security.drop_capabilities = {"ALL"};
  security.add_capabilities = {"CAP_NET_ADMIN"};
  EXPECT_EQ(spec_of(plan, context)->identity.capabilities.bounding, 1U << 12U);
  security.run_as_user = 1000;
  EXPECT_EQ(spec_of(plan, context)->identity.capabilities.effective, 0U) << "who is not root starts without any";
  security.allow_privilege_escalation = false;
  EXPECT_TRUE(spec_of(plan, context)->identity.no_new_privileges);
  security = {};
  security.privileged = true;
  EXPECT_EQ(spec_of(plan, context)->identity.capabilities.bounding, process::all_capabilities());
  EXPECT_TRUE(spec_of(plan, context)->masked_paths.empty());
  security = {};
  security.add_capabilities = {"CAP_NOPE"};
  EXPECT_FALSE(spec_of(plan, context));
}

TEST(ContainerSpec, AParentMountComesBeforeItsChild) {
  pod::ContainerContext context;
  context.image.cmd = {"x"};
  context.volumes = {{"deep", "/v/deep"}, {"top", "/v/top"}};
  auto plan = pod_plan();
  plan.pod.spec.containers[0].volume_mounts = {{.name = "deep", .mount_path = "/data/deep"},
                                               {.name = "top", .mount_path = "/data", .read_only = true}};
  const auto spec = spec_of(plan, context);
  ASSERT_TRUE(spec);
  const auto at = [&](const std::string& destination) {
    return std::find_if(spec->mounts.begin(), spec->mounts.end(),
                        [&](const auto& mount) { return mount.destination == destination; }) -
           spec->mounts.begin();
  };
  EXPECT_LT(at("/data"), at("/data/deep"));
  EXPECT_EQ(spec->mounts[static_cast<std::size_t>(at("/data"))].attributes,
            static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY));
}

TEST(ContainerSpec, SharesTheSandboxsNamespaces) {
  pod::ContainerContext context;
  context.image.cmd = {"x"};
  context.sandbox_pid = 7;
  auto plan = pod_plan();
  const auto path = [&](NamespaceKind kind) {
    const auto spec = spec_of(plan, context);
    for (const auto& use : spec->namespaces) {
      if (use.kind == kind) return use.path;
    }
    return std::string("host");
  };
  EXPECT_EQ(path(NamespaceKind::network), "/proc/7/ns/net");
  EXPECT_EQ(path(NamespaceKind::pid), "") << "shared only when asked";
  plan.pod.spec.share_process_namespace = true;
  EXPECT_EQ(path(NamespaceKind::pid), "/proc/7/ns/pid");
  plan.pod.spec.host_network = true;
  EXPECT_EQ(path(NamespaceKind::network), "host");
  EXPECT_EQ(path(NamespaceKind::uts), "host");
}

TEST(CgroupMounts, BecomeBindsOfTheGroup) {
  cgroup::Hierarchies machine;
  machine.v1 = {{"cpu", "/cg/cpu,cpuacct"}, {"cpuacct", "/cg/cpu,cpuacct"}, {"memory", "/cg/memory"}};
  machine.named = {{"systemd", "/cg/systemd"}};
  machine.v2_mount = "/cg/unified";
  auto mounts = process::cgroup_mounts(process::view_of(machine));
  process::bind_own_group(machine, "/mete/web/main", mounts);
  std::map<std::string, std::string> sources;
  for (const auto& mount : mounts) {
    sources[mount.destination] = mount.type + " " + mount.source;
    EXPECT_NE(mount.attributes & MOUNT_ATTR_RDONLY, mount.type == "tmpfs" ? 1U : 0U) << mount.destination;
  }
  EXPECT_EQ(sources, (std::map<std::string, std::string>{
                         {"/sys/fs/cgroup", "tmpfs cgroup"},
                         {"/sys/fs/cgroup/cpu,cpuacct", "bind /cg/cpu,cpuacct/mete/web/main"},
                         {"/sys/fs/cgroup/memory", "bind /cg/memory/mete/web/main"},
                         {"/sys/fs/cgroup/systemd", "bind /cg/systemd/mete/web/main"},
                         {"/sys/fs/cgroup/unified", "bind /cg/unified/mete/web/main"},
                     }));
  machine = {.mode = cgroup::Mode::kV2, .v2_mount = "/cg"};
  mounts = process::cgroup_mounts(process::view_of(machine));
  process::bind_own_group(machine, "/mete/web/main", mounts);
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].source, "/cg/mete/web/main");
}

TEST(ContainerSpec, ASingleContainerNeedsNoSandbox) {
  auto plan = pod_plan();
  EXPECT_FALSE(pod::needs_sandbox(plan.pod.spec));
  plan.pod.spec.init_containers = {config::Container()};
  EXPECT_TRUE(pod::needs_sandbox(plan.pod.spec));
  plan.pod.spec.init_containers.clear();
  plan.pod.spec.share_process_namespace = true;
  EXPECT_TRUE(pod::needs_sandbox(plan.pod.spec));
}

TEST(ContainerSpec, HostsFile) {
  config::Pod web;
  web.metadata.name = "web";
  const std::string own = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.0.1\tweb\n";
  EXPECT_EQ(pod::hosts_text(web, {}), own);
  web.spec.host_aliases = {{"10.0.0.1", {"db", "db.local"}}, {"fd00::1", {"cache"}}};
  EXPECT_EQ(pod::hosts_text(web, {}), own + "10.0.0.1\tdb\tdb.local\nfd00::1\tcache\n");
  EXPECT_EQ(pod::hosts_text(web, {"10.77.0.2", "fd00:77::2"}),
            "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.77.0.2\tweb\nfd00:77::2\tweb\n"
            "10.0.0.1\tdb\tdb.local\nfd00::1\tcache\n");
}

TEST(ContainerSpec, ResolverOfANetwork) {
  const std::string machine = "nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch a b\noptions ndots:2\n";
  EXPECT_EQ(pod::resolver_inside(machine, "10.77.0.1"), "search a b\nnameserver 10.77.0.1\noptions ndots:2\n");
  EXPECT_EQ(pod::resolver_inside(machine, ""), "search a b\nnameserver 192.0.2.1\noptions ndots:2\n");
}

TEST(ContainerSpec, JoinsANetworkThatIsConnectedAlready) {
  auto plan = pod_plan();
  const auto network_of = [](const LaunchSpec& spec) {
    for (const auto& each : spec.namespaces) {
      if (each.kind == NamespaceKind::network) return each.path;
    }
    return std::string("none");
  };
  pod::ContainerContext context;
  context.image.cmd = {"x"};
  const auto spec = [&] { return spec_of(plan, context).value(); };
  EXPECT_EQ(network_of(spec()), "") << "one of its own";
  context.network_namespace = "/proc/1/fd/7";
  EXPECT_EQ(network_of(spec()), "/proc/1/fd/7");
  EXPECT_EQ(network_of(pod::sandbox_spec(plan.pod, {}, "/proc/1/fd/7")), "/proc/1/fd/7");
  EXPECT_EQ(spec().sysctls.count("net.ipv4.ip_unprivileged_port_start"), 1U);
  context.sandbox_pid = 99;
  EXPECT_EQ(network_of(spec()), "/proc/99/ns/net") << "the sandbox is in it";
  plan.pod.spec.host_network = true;
  EXPECT_EQ(network_of(spec()), "none");
}

}  // namespace
}  // namespace mete::runtime
