// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/launch_plan.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "agent/base/machine_facts.h"
#include "agent/base/spawn.h"
#include "agent/networks/networks.h"
#include "agent/pods/container/foreign_launch.h"
#include "agent/pods/pod.h"
#include "config/model/runtime_values.h"
#include "config/resolve/env_file.h"
#include "enforcers/qos.h"
#include "runtime/file.h"
#include "runtime/file_beneath.h"
#include "runtime/oci/config/seccomp_file.h"
#include "runtime/pod/app_armor.h"
#include "runtime/pod/container_spec.h"
#include "runtime/pod/name_files.h"
#include "runtime/pod/network_sysctls.h"
#include "runtime/pod/user.h"
#include "runtime/process/launch/cgroup_entry.h"
#include "runtime/process/plan/plan.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/seccomp.h"

namespace mete::agent {
namespace {

const config::ContainerPlan* resolved_of(const config::PodPlan& plan, const std::string& name) {
  for (const auto* list : {&plan.init_containers, &plan.containers}) {
    for (const auto& each : *list) {
      if (each.name == name) return &each;
    }
  }
  return nullptr;
}

bool has_runtime_values(const config::ContainerPlan& resolved) {
  const auto among = [](const std::vector<std::string>& texts) {
    return std::any_of(texts.begin(), texts.end(), config::has_runtime_value);
  };
  return among(resolved.command) || among(resolved.args) || among(resolved.sub_paths) ||
         std::any_of(resolved.env.begin(), resolved.env.end(),
                     [](const config::EnvValue& each) { return config::has_runtime_value(each.value); });
}

Result<std::string> seccomp_filter(Services& services, std::uint64_t capabilities) {
  auto& cache = services.seccomp_filters;
  if (const auto at = cache.find(capabilities); at != cache.end()) return at->second;
  METE_TRY(std::string filter, runtime::process::default_seccomp_filter(capabilities));
  return cache[capabilities] = std::move(filter);
}

Result<std::string> seccomp_file(const Services& services, const config::SeccompProfile& profile) {
  constexpr std::size_t kLargest = std::size_t{1} << 20U;
  auto text = runtime::read_file_beneath(services.settings.seccomp_profiles(), profile.file, kLargest);
  if (!text) return fail_in("seccompProfile", text.error());
  return text;
}

Status add_seccomp(Services& services, const config::SeccompProfile& profile, runtime::process::Identity& identity) {
  using Type = config::SeccompProfile::Type;
  if (profile.type == Type::kRuntimeDefault) {
    METE_TRY(identity.seccomp_filter, seccomp_filter(services, identity.capabilities.bounding));
  }
  if (profile.type != Type::kLocalhost) return {};
  METE_TRY(const std::string text, seccomp_file(services, profile));
  METE_TRY(auto filter, runtime::oci::compile_seccomp_file(text, "seccompProfile " + profile.file));
  identity.seccomp_filter = std::move(filter.program);
  identity.seccomp_flags = filter.flags;
  return {};
}

// The same for another runtime, which compiles the profile itself.
Result<std::optional<runtime::oci::SeccompProfile>> seccomp_profile_of(Services& services,
                                                                       const config::SeccompProfile& profile,
                                                                       const runtime::process::Identity& identity) {
  using Type = config::SeccompProfile::Type;
  std::optional<runtime::oci::SeccompProfile> found;
  if (profile.type == Type::kRuntimeDefault)
    found = runtime::process::default_seccomp_profile(identity.capabilities.bounding);
  if (profile.type != Type::kLocalhost) return found;
  METE_TRY(const std::string text, seccomp_file(services, profile));
  METE_TRY(found, runtime::oci::read_seccomp_file(text, "seccompProfile " + profile.file));
  return found;
}

// What `fileKeyRef` names, from the volumes of the pod as they are now.
config::FileValues values_in(const std::map<std::string, std::string>& volumes) {
  return [&volumes](const config::FileKeyRef& ref) -> Result<std::optional<std::string>> {
    const auto volume = volumes.find(ref.volume);
    if (volume == volumes.end()) return fail("fileKeyRef: found no volume \"" + ref.volume + "\" in the pod");
    const auto text = runtime::read_file_beneath(volume->second, ref.path, config::kLargestEnvFile);
    if (!text && text.error().code == ENOENT) return std::optional<std::string>();
    const std::string name = "fileKeyRef: file \"" + ref.path + "\" of volume \"" + ref.volume + "\"";
    if (!text) return fail_in(name, text.error());
    auto value = config::env_file_value(*text, ref.key);
    if (!value) return fail_in(name, value.error());
    return value;
  };
}

void add_etc_files(const Pod& pod, const config::Container& container, runtime::pod::ContainerContext& context) {
  const bool host_network = pod.is_in_machines_network();
  const std::string etc = pod.plan()->pod.spec.host_network ? "/etc" : pod.paths().etc();
  context.hosts_file = etc + "/hosts";
  context.hostname_file = etc + "/hostname";
  context.resolv_file = (host_network ? "/etc" : etc) + "/resolv.conf";
  if (container.extras->machine_name) context.hostname_file = "/etc/hostname";
  const bool own_resolver =
      runtime::pod::resolv_text(pod.plan()->pod.spec, {}).has_value();  // Pod::prepare() has written it
  if (host_network && own_resolver) context.resolv_file = pod.paths().etc() + "/resolv.conf";
  for (auto* file : {&context.hosts_file, &context.hostname_file, &context.resolv_file}) {
    if (!file->empty() && ::access(file->c_str(), R_OK) != 0) file->clear();
  }
}

// For a runtime that runs them.
runtime::oci::Hooks hooks_of(const config::CdiEdits& edits) {
  runtime::oci::Hooks hooks;
  for (const auto& each : edits.hooks) {
    auto& list = each.point == "prestart"          ? hooks.prestart
                 : each.point == "createRuntime"   ? hooks.create_runtime
                 : each.point == "createContainer" ? hooks.create_container
                 : each.point == "startContainer"  ? hooks.start_container
                 : each.point == "poststart"       ? hooks.poststart
                                                   : hooks.poststop;
    list.push_back({each.path, each.args, std::nullopt, each.timeout});
    if (!each.env.empty()) list.back().env = each.env;
  }
  return hooks;
}

Status make_pressure_fifo(const std::string& path) {
  constexpr mode_t kAnybody = 0666;  // whoever runs in the container; the attempt's directory is root's
  if (::mkfifo(path.c_str(), 0600) != 0 || ::chmod(path.c_str(), kAnybody) != 0) return fail_errno("make " + path);
  return {};
}

Status make_termination_log(const std::string& path) {
  constexpr mode_t kAnybody = 0666;  // as above
  METE_CHECK(runtime::replace_file(path, "", 0600, runtime::Durability::volatile_));
  return ::chmod(path.c_str(), kAnybody) == 0 ? Status() : fail_errno("make " + path);
}

}  // namespace

Status write_launch_plan(const ContainerSlot& slot, const runtime::cgroup::Group& group, LaunchDevices devices,
                         const JoinedNamespaces& joined, const runtime::image::Image& image,
                         runtime::storage::ContainerRoot root) {
  auto& services = slot.services();
  const auto& pod = slot.pod();
  const auto& plan = *pod.plan();
  const auto& container = *slot.spec();
  const auto files = slot.files();
  runtime::pod::ContainerContext context;
  context.image = image.config;
  METE_TRY(const auto users, services.images.user_files(image));
  context.passwd = users.passwd;
  context.group = users.group;
  auto with_values = config::with_file_values(*resolved_of(plan, container.name), values_in(pod.volumes()));
  if (!with_values) return tl::unexpected(Error{kConfigError, with_values.error().what});
  const auto& resolved = *with_values;
  context.machine = machine_facts(services.machine_memory, services.images.layers_directory(),
                                  has_runtime_values(resolved) ? Addresses::kAll : Addresses::kNone);
  context.overlay = std::move(root.overlay);
  context.rootfs = std::move(root.directory);
  context.volumes = pod.volumes();
  add_etc_files(pod, container, context);
  if (slot.policy() != nullptr && slot.policy()->memory.notify) {
    context.pressure_fifo = files.pressure();
    METE_CHECK(make_pressure_fifo(context.pressure_fifo));
  }
  METE_CHECK(make_termination_log(files.termination_log()));
  context.termination_log = files.termination_log();
  context.devices = std::move(devices.nodes);
  context.sandbox_pid = pod.sandbox_pid();
  const std::string network = pod.networks().namespace_path(pod.record().uid);
  const ShimPaths spaces = shim_paths(!network.empty(), joined.pid.valid(), joined.ipc.valid());
  context.network_namespace = spaces.network;
  context.pid_namespace = spaces.pid;
  context.ipc_namespace = spaces.ipc;
  context.users = pod.record().users;
  if (context.users && !network.empty() && !context.sandbox_pid) {
    METE_CHECK(runtime::pod::write_network_sysctls(network, runtime::pod::sysctls_of(plan.pod)));
  }
  context.machine.pod_addresses = pod.networks().addresses(pod.record().uid);
  context.cgroup = runtime::process::join_of(group);
  context.cgroup_view = runtime::process::view_of(services.hierarchies);
  context.capabilities = services.capabilities;
  context.oom_score_adj = container.extras->oom_score_adj.value_or(
      enforcers::oom_score_adj(plan.pod.spec, container, services.machine_memory));
  METE_TRY(runtime::process::LaunchSpec spec, runtime::pod::container_spec(plan, container, resolved, context));
  METE_CHECK(runtime::pod::apply_cdi(devices.cdi.edits, devices.cdi.nodes, context.users.has_value(), spec));
  if (plan.runtime.empty()) METE_CHECK(runtime::pod::check_no_hooks(devices.cdi.edits));
  if (plan.pod.spec.security->app_armor || container.security->app_armor) {
    METE_TRY(spec.identity.apparmor_profile,
             runtime::pod::app_armor_profile(plan.pod.spec, container, runtime::process::read_app_armor()));
  }
  const auto profile = runtime::pod::seccomp_profile(plan.pod.spec, container);
  METE_CHECK(add_seccomp(services, profile, spec.identity));
  if (!plan.runtime.empty()) {
    // The runtime's name for it, which runc and crun give it, too: who enters later joins the same.
    spec.session_keyring = "_ses." + foreign_id(slot);
    METE_TRY(auto seccomp, seccomp_profile_of(services, profile, spec.identity));
    METE_CHECK(write_foreign_start(slot, group.path(), spec, std::move(devices.rules), std::move(seccomp),
                                   hooks_of(devices.cdi.edits)));
  }
  if (!context.users) runtime::process::bind_own_group(services.hierarchies, group.path(), spec.cgroup_mounts);
  METE_TRY(const runtime::process::Plan launch, runtime::process::make_plan(spec));
  return runtime::replace_file(files.plan(), runtime::process::encode(launch), 0600, runtime::Durability::volatile_);
}

}  // namespace mete::agent
