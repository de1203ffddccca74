// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/create/pod_of.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "agent/docker/create/device_wishes.h"
#include "agent/docker/create/io_wish.h"
#include "agent/docker/create/log_wish.h"
#include "agent/docker/create/seccomp_opt.h"
#include "agent/docker/create/storage_opt.h"
#include "agent/docker/endpoints.h"
#include "agent/networks/dns/member_names.h"
#include "agent/pods/record/pod_record.h"
#include "config/model/bandwidth.h"
#include "config/resolve/runtime_choice.h"
#include "runtime/json_numbers.h"

namespace mete::agent::docker {
namespace {

constexpr std::int64_t kNanoPerMilli = 1'000'000;
constexpr const char* kSharedMemory = "/dev/shm";

// "NET_ADMIN" and "CAP_NET_ADMIN" are the same.
std::vector<std::string> capabilities_of(const Json& host, const char* name) {
  std::vector<std::string> names;
  for (auto each : words_of(host, name)) {
    std::transform(each.begin(), each.end(), each.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
    names.push_back(each == "ALL" || each.starts_with("CAP_") ? each : "CAP_" + each);
  }
  return names;
}

void take_security(const Json& config, const Json& host, config::Container& container) {
  container.extras.edit().user = text_of(config, "User");
  container.security = security_of(host);
  if (const std::string file = text_of(config, "MeteSeccomp"); !file.empty())
    container.security.edit().seccomp = {config::SeccompProfile::Type::kLocalhost, file};
}

void take_cpu(const Json& host, config::Container& container) {
  auto& extras = container.extras.edit();
  constexpr std::int64_t kUsualShares = 1024;
  const std::int64_t shares = number_of(host, "CpuShares");
  extras.cpu_shares = static_cast<std::uint64_t>(shares > 0 ? shares : kUsualShares);
  extras.cpuset_cpus = text_of(host, "CpusetCpus");
  extras.cpuset_mems = text_of(host, "CpusetMems");
  if (const std::int64_t period = number_of(host, "CpuPeriod"); period > 0)
    extras.cpu_period = std::chrono::microseconds(period);
  if (const std::int64_t nano = number_of(host, "NanoCpus"); nano > 0) {
    container.resources.limits.cpu = MilliCpu(std::max<std::int64_t>(1, nano / kNanoPerMilli));
    extras.cpu_quota = std::chrono::microseconds(nano / 10'000);  // in 100 ms
  }
  if (const std::int64_t quota = number_of(host, "CpuQuota"); quota > 0) {
    extras.cpu_quota = std::chrono::microseconds(quota);
    container.resources.limits.cpu = MilliCpu(std::max<std::int64_t>(1, quota * 1000 / extras.cpu_period.count()));
  }
}

void take_memory(const Json& host, config::Container& container) {
  auto& extras = container.extras.edit();
  const std::int64_t memory = number_of(host, "Memory");
  const std::int64_t swap = number_of(host, "MemorySwap");
  if (memory > 0) {
    container.resources.limits.memory = Bytes(memory);
    extras.unlimited_swap = swap < 0;
    // Without a word docker allows as much swap as memory.
    if (swap >= 0) extras.swap = Bytes(swap == 0 ? memory : swap - memory);
  }
  if (const std::int64_t soft = number_of(host, "MemoryReservation"); soft > 0) extras.memory_soft = Bytes(soft);
  if (const std::int64_t pids = number_of(host, "PidsLimit"); pids > 0) extras.pids = static_cast<std::uint64_t>(pids);
  if (const std::int64_t shm = number_of(host, "ShmSize"); shm > 0) extras.shm_size = Bytes(shm);
  if (text_of(host, "IpcMode") == "none") extras.shm_size = Bytes(0);
  extras.waits_out_of_memory = flag_of(host, "OomKillDisable");
  extras.oom_score_adj = static_cast<int>(std::clamp<std::int64_t>(number_of(host, "OomScoreAdj"), -1000, 1000));
  for (const auto& each : field(host, "Ulimits").is_array() ? field(host, "Ulimits") : Json::array())
    extras.bounds.push_back({text_of(each, "Name"), static_cast<std::uint64_t>(number_of(each, "Soft")),
                             static_cast<std::uint64_t>(number_of(each, "Hard"))});
}

Status take_machine(const Json& host, config::ContainerExtras& extras) {
  METE_TRY(extras.devices, device_wishes(host));
  METE_TRY(extras.cdi_devices, cdi_wishes(host));
  METE_TRY(extras.device_ranges, device_ranges(host));
  METE_TRY(extras.log, log_wish(host));
  METE_TRY(extras.io, io_wish(host));
  extras.machine_name = text_of(host, "UTSMode") == "host";
  return {};
}

void take_restart(const Json& host, config::PodSpec& spec, config::Container& container) {
  const Json& policy = field(host, "RestartPolicy");
  const std::string name = text_of(policy, "Name");
  container.extras.edit().prompt_restarts = true;
  spec.restart_policy = config::RestartPolicy::kNever;
  if (name == "always" || name == "unless-stopped") spec.restart_policy = config::RestartPolicy::kAlways;
  if (name != "on-failure") return;
  spec.restart_policy = config::RestartPolicy::kOnFailure;
  if (const std::int64_t most = number_of(policy, "MaximumRetryCount"); most > 0)
    container.extras.edit().most_restarts = static_cast<unsigned>(most);
}

config::MountPropagation propagation_of(const std::string& text) {
  if (text == "rslave" || text == "slave") return config::MountPropagation::kHostToContainer;
  if (text == "rshared" || text == "shared") return config::MountPropagation::kBidirectional;
  return config::MountPropagation::kNone;
}

Status take_mounts(const ContainerRecord& record, const Surrounding& around, config::PodSpec& spec,
                   config::Container& container) {
  METE_TRY(const auto mounts, mounts_of(record.config, record.host_config));
  for (const auto& each : mounts) {
    if (each.type == "tmpfs") {
      container.extras.edit().tmpfs.push_back({each.target, each.options});
      continue;
    }
    const std::string name = "mount-" + std::to_string(spec.volumes.size());
    const std::string path = each.type == "volume" ? volume_path(around.volumes, each.source) : each.source;
    spec.volumes.push_back({name, config::HostPathVolume{path, config::HostPathType::kUnchecked}, {}});
    config::VolumeMount mount;
    mount.name = name;
    mount.mount_path = each.target;
    mount.read_only = each.read_only;
    mount.propagation = propagation_of(each.propagation);
    container.volume_mounts.push_back(std::move(mount));
  }
  return {};
}

// A volume at /dev/shm is what is there, and such an IPC namespace is for nobody else.
void take_shared_memory(const ContainerRecord& record, const Surrounding& around, config::PodSpec& spec,
                        config::Container& container) {
  const std::string owner = shared_memory_owner(record, around);
  if (owner.empty()) return;
  spec.volumes.push_back({kSharedMemoryVolume,
                          config::HostPathVolume{around.shared_memory + "/" + owner, config::HostPathType::kUnchecked},
                          {}});
  config::VolumeMount mount;
  mount.name = kSharedMemoryVolume;
  mount.mount_path = kSharedMemory;
  container.volume_mounts.push_back(std::move(mount));
}

void take_names(const ContainerRecord& record, config::Pod& pod, config::Container& container) {
  auto& spec = pod.spec;
  const std::string hostname = text_of(record.config, "Hostname");
  if (!container.extras->machine_name) spec.hostname = hostname.empty() ? record.short_id() : hostname;
  container.extras.edit().domainname = text_of(record.config, "Domainname");
  const Json& host = record.host_config;
  for (const auto& each : words_of(host, "ExtraHosts")) {
    const auto colon = each.find(':');
    if (colon != std::string::npos) spec.host_aliases.push_back({each.substr(colon + 1), {each.substr(0, colon)}});
  }
  spec.dns.edit().nameservers = words_of(host, "Dns");
  spec.dns.edit().searches = words_of(host, "DnsSearch");
  for (const auto& each : words_of(host, "DnsOptions")) {
    const auto colon = each.find(':');
    spec.dns.edit().options.emplace_back(each.substr(0, colon),
                                         colon == std::string::npos ? std::string() : each.substr(colon + 1));
  }
  if (!spec.dns->nameservers.empty()) spec.dns_policy = config::DnsPolicy::kNone;
}

// The driver options of its own end: what it may receive and send. Of further networks there are none.
Status take_bandwidth(const ContainerRecord& record, const std::string& network, config::Pod& pod) {
  for (const auto& each : further_networks(record)) {
    if (!or_object(field(endpoint_in(record, each), "DriverOpts")).empty())
      return fail("DriverOpts: found some of network " + each + ", expected them with the first network alone");
  }
  config::Bandwidth bandwidth;
  const Json options = or_object(field(endpoint_in(record, network), "DriverOpts"));
  for (const auto& [key, value] : options.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (auto set = config::set_bandwidth(bandwidth, key + "=" + text); !set)
      return fail("DriverOpts: " + set.error().what);
    pod.metadata.annotations[key == "ingress"  ? config::kIngressBandwidth
                             : key == "egress" ? config::kEgressBandwidth
                                               : config::kBandwidthBurst] = text;
  }
  if (!bandwidth.empty() && (network == "host" || network == "none" || network.starts_with("container:")))
    return fail("DriverOpts: found network " + network + ", which has no bandwidth of its own, expected another one");
  return {};
}

// The default network is the agent's own default; what the client names is what it gets.
Status take_network(const ContainerRecord& record, const Surrounding& around, config::Pod& pod) {
  auto& annotations = pod.metadata.annotations;
  const std::string mode = own_network(record);
  const std::string asked = text_of(record.host_config, "NetworkMode");
  METE_CHECK(take_bandwidth(record, mode, pod));
  const bool usual = mode == "bridge" && asked != "bridge";
  if (mode == "host") {
    pod.spec.host_network = true;
    pod.spec.host_aliases.clear();
    pod.spec.hostname.clear();
    return {};
  }
  if (mode.starts_with("container:")) {
    annotations["mete/network"] = "container:" + around.network_of_other;
    return {};
  }
  // In lower case, as names are looked up.
  std::string& called = annotations[kDockerName] = record.name;
  std::transform(called.begin(), called.end(), called.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!usual) annotations["mete/network"] = mode;
  const std::string address = text_of(field(endpoint_in(record, mode), "IPAMConfig"), "IPv4Address");
  if (!address.empty()) annotations["mete/ip"] = address;
  std::string hardware = text_of(endpoint_in(record, mode), "MacAddress");
  if (hardware.empty()) hardware = text_of(record.config, "MacAddress");
  if (!hardware.empty()) annotations["mete/mac"] = hardware;
  std::string links;
  for (const auto& [alias, other] : texts_of(record.config, "MeteLinks"))
    links.append(links.empty() ? "" : ",").append(alias).append("=").append(other);
  if (!links.empty()) annotations["mete/links"] = links;
  std::string aliases;
  for (const auto& each : aliases_of(record)) aliases.append(aliases.empty() ? "" : ",").append(each);
  annotations["mete/aliases"] = aliases;
  return {};
}

Status take_group(std::optional<std::uint32_t> number, const std::string& named, config::Pod& pod) {
  if (!number) return fail("Unable to find group " + named + ": found no number, expected one");
  pod.spec.security.edit().supplemental_groups.push_back(*number);
  return {};
}

std::optional<std::uint32_t> group_number(const std::string& text) {
  std::uint32_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

Status take_ports(const ContainerRecord& record, config::Container& container) {
  METE_TRY(const auto ports, ports_of(record.config, record.host_config));
  for (const auto& each : ports) {
    const auto protocol = each.protocol == "udp"    ? config::Protocol::kUdp
                          : each.protocol == "sctp" ? config::Protocol::kSctp
                                                    : config::Protocol::kTcp;
    container.ports.push_back({each.container_port, each.host_port, protocol, each.host_ip});
  }
  return {};
}

}  // namespace

std::string volume_path(const std::string& volumes, const std::string& name) {
  return volumes + "/" + name + "/_data";
}

std::string shared_memory_owner(const ContainerRecord& record, const Surrounding& around) {
  const std::string mode = text_of(record.host_config, "IpcMode");
  const bool shares = mode == "shareable" || mode.starts_with("container:");
  const auto mounts = mounts_of(record.config, record.host_config);
  const bool has_own = mounts && std::any_of(mounts->begin(), mounts->end(),
                                             [](const MountAsked& each) { return each.target == kSharedMemory; });
  if (!shares || has_own) return "";
  return mode == "shareable" ? record.id : around.ipc_owner;
}

config::SecurityContext security_of(const Json& host) {
  config::SecurityContext security;
  security.privileged = flag_of(host, "Privileged");
  security.read_only_root_filesystem = flag_of(host, "ReadonlyRootfs");
  security.add_capabilities = capabilities_of(host, "CapAdd");
  security.drop_capabilities = capabilities_of(host, "CapDrop");
  for (const auto& option : words_of(host, "SecurityOpt")) {
    if (option.starts_with("no-new-privileges")) security.allow_privilege_escalation = false;
  }
  if (is_seccomp_unconfined(host)) security.seccomp = {config::SeccompProfile::Type::kUnconfined};
  return security;
}

Result<config::Pod> pod_of(const ContainerRecord& record, const Surrounding& around) {
  const Json& host = record.host_config;
  config::Pod pod;
  pod.metadata.name = record.pod;
  pod.metadata.namespace_ = kNamespace;
  pod.metadata.labels = texts_of(record.config, "Labels");
  config::Container container;
  container.name = record.pod;
  const std::string stored = text_of(record.config, "MeteImage");
  container.image = stored.empty() ? record.image : stored;
  container.working_dir = text_of(record.config, "WorkingDir");
  container.stop_signal = text_of(record.config, "StopSignal");
  container.tty = flag_of(record.config, "Tty");
  container.stdin_open = flag_of(record.config, "OpenStdin");
  container.stdin_once = container.stdin_open && flag_of(record.config, "StdinOnce");
  container.extras.edit().keeps_layer = true;
  METE_TRY(container.extras.edit().layer_size, layer_size_of(host));
  container.extras.edit().unset_env = words_of(record.config, "MeteUnsetEnv");
  take_security(record.config, host, container);
  take_cpu(host, container);
  take_memory(host, container);
  take_restart(host, pod.spec, container);
  constexpr std::int64_t kUsualGrace = 10;
  pod.spec.termination_grace_period = std::chrono::seconds(number_of(record.config, "StopTimeout", kUsualGrace));
  pod.spec.host_pid = text_of(host, "PidMode") == "host";
  pod.spec.host_ipc = text_of(host, "IpcMode") == "host";
  if (flag_of(host, "Init")) pod.metadata.annotations["mete/init"] = "true";
  for (const auto& [name, value] : texts_of(host, "Sysctls"))
    pod.spec.security.edit().sysctls.emplace_back(name, value);
  // A container of an earlier mete has numbers alone.
  const Json& groups = field(record.config, "MeteGroups");
  for (const auto& group : groups.is_array() ? groups : Json::array())
    METE_CHECK(take_group(runtime::whole<std::uint32_t>(group), "MeteGroups", pod));
  for (const auto& group : groups.is_array() ? std::vector<std::string>() : words_of(host, "GroupAdd"))
    METE_CHECK(take_group(group_number(group), group, pod));
  METE_CHECK(take_machine(host, container.extras.edit()));
  METE_CHECK(take_mounts(record, around, pod.spec, container));
  take_shared_memory(record, around, pod.spec, container);
  if (!around.pid_of.empty()) pod.metadata.annotations[kPidOf] = around.pid_of;
  if (!around.ipc_of.empty()) pod.metadata.annotations[kIpcOf] = around.ipc_of;
  METE_CHECK(take_ports(record, container));
  take_names(record, pod, container);
  METE_CHECK(take_network(record, around, pod));
  container.command = words_of(record.config, "Entrypoint");
  for (auto& word : words_of(record.config, "Cmd")) container.command.push_back(std::move(word));
  pod.spec.containers.push_back(std::move(container));
  return pod;
}

Result<config::PodPlan> plan_of(const ContainerRecord& record, const Surrounding& around,
                                const config::Surroundings& manifests) {
  METE_TRY(config::Pod pod, pod_of(record, around));
  auto plan = config::plan_pod(pod, manifests);
  if (!plan) return fail(plan.error().empty() ? "the container cannot be planned" : plan.error().front().message);
  if (!around.runtime.empty()) {
    std::vector<config::Diagnostic> errors;
    config::check_wishes(pod, around.runtime, errors);
    if (!errors.empty()) return fail(errors.front().message);
    plan->runtime = around.runtime;
  }
  // Manifests have $(NAME) in commands and variables; docker's clients mean what they say.
  auto& own = plan->containers.front();
  own.command = pod.spec.containers.front().command;
  own.env.clear();
  for (const auto& each : words_of(record.config, "Env")) {
    const auto equal = each.find('=');
    if (equal != std::string::npos) own.env.push_back({each.substr(0, equal), each.substr(equal + 1)});
  }
  return std::move(*plan);
}

}  // namespace mete::agent::docker
