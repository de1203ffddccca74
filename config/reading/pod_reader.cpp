// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "config/model/diagnostics.h"
#include "config/reading/fields.h"
#include "config/reading/identity_text.h"
#include "config/reading/pod_checks.h"
#include "config/reading/readers.h"
#include "config/resolve/downward.h"
#include "config/values/ip_address.h"
#include "config/values/names.h"
#include "config/values/sysctl_space.h"

namespace mete::config {
namespace {

PodSecurityContext read_pod_security(const View& view) {
  PodSecurityContext security;
  security.run_as_user = read_id(view["runAsUser"]);
  security.run_as_group = read_id(view["runAsGroup"]);
  security.fs_group = read_id(view["fsGroup"]);
  security.change_group_on_mismatch_only = view["fsGroupChangePolicy"].text() == "OnRootMismatch";
  security.groups_policy = read_enum(view["supplementalGroupsPolicy"], kGroupsPolicyNames, GroupsPolicy::kMerge);
  security.run_as_non_root = view["runAsNonRoot"].boolean();
  security.seccomp = read_seccomp(view["seccompProfile"]);
  security.app_armor = read_app_armor(view["appArmorProfile"]);
  for (const auto& item : view["supplementalGroups"].items()) {
    if (const auto id = read_id(item)) security.supplemental_groups.push_back(*id);
  }
  return security;
}

// As the API server checks them.
std::vector<std::string> read_gates(const View& spec) {
  std::vector<std::string> gates;
  for (const auto& item : spec["schedulingGates"].items()) {
    std::string name = item["name"].text();
    if (!item["name"]) continue;  // which is an error already
    item["name"].check(check_label_key(name));
    if (std::find(gates.begin(), gates.end(), name) != gates.end())
      item["name"].error(mismatch("the gate " + name + " a second time", "each gate once"));
    gates.push_back(std::move(name));
  }
  if (!gates.empty() && spec["nodeName"])
    spec["nodeName"].error(mismatch("a node for a Pod with schedulingGates", "one of the two"));
  return gates;
}

std::vector<HostAlias> read_host_aliases(const View& view) {
  std::vector<HostAlias> aliases;
  for (const auto& item : view.items()) {
    HostAlias alias{item["ip"].text(), item["hostnames"].texts()};
    if (item["ip"] && !parse_ip(alias.ip)) item["ip"].error(mismatch(describe(item["ip"].node()), "an IP address"));
    for (const auto& name : item["hostnames"].items()) name.check(check_dns_subdomain(name.text()));
    aliases.push_back(std::move(alias));
  }
  return aliases;
}

// The settings that belong to a namespace of the pod's own; all others are the machine's.
Status check_sysctl(std::string_view name, bool host_network, bool host_ipc) {
  const SysctlSpace space = sysctl_space(name);
  const std::string found = "found \"" + std::string(name) + "\", ";
  if (!is_plain_sysctl(name)) return fail(found + "expected the name of a setting such as net.ipv4.ip_forward");
  if (space == SysctlSpace::kNetwork && host_network) {
    return fail(found + "expected no setting of the network with hostNetwork");
  }
  if (space == SysctlSpace::kIpc && host_ipc) return fail(found + "expected no setting of IPC with hostIPC");
  if (space == SysctlSpace::kNetwork || space == SysctlSpace::kIpc) return {};
  return fail(found +
              "expected a setting of the pod's own namespaces: net.*, fs.mqueue.*, kernel.sem, kernel.msg* or "
              "kernel.shm*");
}

std::vector<std::pair<std::string, std::string>> read_sysctls(const View& view, const PodSpec& spec) {
  std::vector<std::pair<std::string, std::string>> sysctls;
  std::set<std::string> names;
  for (const auto& item : view.items()) {
    const View name = item["name"];
    if (name) name.check(check_sysctl(name.text(), spec.host_network, spec.host_ipc));
    check_unique(name, "sysctl", names);
    sysctls.emplace_back(name.text(), item["value"].text());
  }
  return sysctls;
}

DnsConfig read_dns(const View& spec, DnsPolicy policy) {
  constexpr std::size_t kMostServers = 3;    // MAXNS of resolv.h, and Kubernetes' own bound
  constexpr std::size_t kMostSearches = 32;  // Kubernetes' bound
  const View view = spec["dnsConfig"];
  DnsConfig dns{view["nameservers"].texts(), view["searches"].texts(), {}};
  for (const auto& item : view["nameservers"].items()) {
    if (!parse_ip(item.text())) item.error(mismatch(describe(item.node()), "an IP address"));
  }
  for (const auto& item : view["searches"].items()) {
    const std::string name = item.text();
    if (name != ".") item.check(check_dns_subdomain(name.ends_with('.') ? name.substr(0, name.size() - 1) : name));
  }
  for (const auto& item : view["options"].items()) {
    const std::string text = item["name"].text() + item["value"].text();
    if (text.empty() || text.find_first_of(" \t\r\n") != std::string::npos) {
      item.error(mismatch(describe(item.node()), "a name, and values without blanks"));
    }
    dns.options.emplace_back(item["name"].text(), item["value"].text());
  }
  if (dns.nameservers.size() > kMostServers) {
    view["nameservers"].error(mismatch(std::to_string(dns.nameservers.size()) + " servers", "at most 3"));
  }
  if (dns.searches.size() > kMostSearches) {
    view["searches"].error(mismatch(std::to_string(dns.searches.size()) + " domains", "at most 32"));
  }
  if (policy == DnsPolicy::kNone && dns.nameservers.empty()) {
    spec["dnsPolicy"].error(mismatch("None without a server", "dnsConfig.nameservers, as they are the only ones"));
  }
  return dns;
}

void read_host_names(const View& spec, PodSpec& to) {
  to.hostname = spec["hostname"].text();
  if (!to.hostname.empty()) spec["hostname"].check(check_dns_label(to.hostname));
  to.subdomain = spec["subdomain"].text();
  if (!to.subdomain.empty()) spec["subdomain"].check(check_dns_label(to.subdomain));
  to.hostname_is_fqdn = spec["setHostnameAsFQDN"].boolean();
  to.hostname_override = spec["hostnameOverride"].text();
  const View over = spec["hostnameOverride"];
  constexpr std::size_t kLongestName = 64;  // HOST_NAME_MAX
  if (to.hostname_override.empty()) return;
  over.check(check_dns_subdomain(to.hostname_override));
  if (to.hostname_override.size() > kLongestName) over.error(mismatch(describe(over.node()), "at most 64 characters"));
  if (to.host_network) over.error(mismatch("`hostnameOverride` with hostNetwork", "one of them"));
  if (to.hostname_is_fqdn) over.error(mismatch("`hostnameOverride` with setHostnameAsFQDN", "one of them"));
}

// Init containers and containers share one set of names: a name stands for one log and one cgroup.
std::vector<Container> read_containers(const View& list, const std::vector<Volume>& volumes,
                                       std::set<std::string>& names, bool init) {
  std::vector<Container> containers;
  for (const auto& item : list.items()) {
    containers.push_back(read_container(item));
    containers.back().sidecar = init && containers.back().restart == RestartPolicy::kAlways;
    if (init && !containers.back().sidecar) check_no_care(item);
    check_unique(item["name"], "container", names);
    check_mounts(item, volumes);
  }
  return containers;
}

// As in Kubernetes the claim of a StatefulSet takes the place of a volume with the same name.
void add_claims(const std::vector<std::string>& claims, std::vector<Volume>& volumes) {
  for (const auto& claim : claims) {
    std::erase_if(volumes, [&](const Volume& volume) { return volume.name == claim; });
    volumes.push_back({claim, ClaimVolume{claim, false}, {}});
  }
}

// Files and a cgroup bear both names, and the kernel takes no more than 255 bytes for one of those.
void check_name_length(const View& metadata, const ObjectMeta& read) {
  constexpr std::size_t kMost = 240;
  const std::size_t length = read.namespace_.size() + read.name.size();
  if (length <= kMost) return;
  const View name = metadata["name"] ? metadata["name"] : metadata["generateName"];
  name.error(mismatch(std::to_string(length) + " characters of namespace and name together", "at most 240"));
}

#ifdef __aarch64__
constexpr std::string_view kArchitecture = "arm64";
#else
constexpr std::string_view kArchitecture = "amd64";
#endif

// Nothing is scheduled on one machine, but a program for another one cannot run.
void check_node_selector(const View& selector) {
  for (const auto& [key, value] : selector.entries()) {
    const bool os = key == "kubernetes.io/os" || key == "beta.kubernetes.io/os";
    const bool architecture = key == "kubernetes.io/arch" || key == "beta.kubernetes.io/arch";
    if (!os && !architecture) continue;
    const std::string_view here = os ? "linux" : kArchitecture;
    if (value.text() != here) value.error(mismatch(describe(value.node()), std::string(here) + ", as this machine is"));
  }
}

void read_places(const View& spec, PodSpec& to) {
  const auto secrets = spec["imagePullSecrets"].items();
  if (!spec["runtimeClassName"] && secrets.empty()) return;
  ReferencePlaces& places = to.places.make();
  if (const View name = spec["runtimeClassName"]) places.runtime_class = name.location();
  for (const auto& item : secrets)
    places.image_pull_secrets.push_back(item["name"] ? item["name"].location() : item.location());
}

}  // namespace

Pod read_pod(const View& view) {
  Pod pod;
  pod.location = view.location();
  pod.metadata = read_metadata(view);
  check_name_length(view["metadata"], pod.metadata);
  pod.identity_text = identity_text(view, kPodSpec);
  read_pod_spec(view["spec"], {}, pod);
  check_bandwidth(view["metadata"]["annotations"], pod.spec.host_network);
  take_app_armor_annotations(view["metadata"]["annotations"], pod.spec);
  return pod;
}

void read_pod_spec(const View& spec, const std::vector<std::string>& claims, Pod& pod) {
  PodSpec& to = pod.spec;
  to.restart_policy = read_enum(spec["restartPolicy"], kRestartPolicyNames, RestartPolicy::kAlways);
  if (const auto seconds = spec["terminationGracePeriodSeconds"].integer()) {
    to.termination_grace_period = std::chrono::seconds(*seconds);
  }
  if (const auto seconds = spec["activeDeadlineSeconds"].integer()) to.active_deadline = std::chrono::seconds(*seconds);
  to.host_network = spec["hostNetwork"].boolean();
  to.host_pid = spec["hostPID"].boolean();
  to.host_ipc = spec["hostIPC"].boolean();
  read_host_names(spec, to);
  to.service_account = spec["serviceAccountName"].text(spec["serviceAccount"].text());
  to.dns_policy = read_enum(spec["dnsPolicy"], kDnsPolicyNames, DnsPolicy::kClusterFirst);
  to.dns = read_dns(spec, to.dns_policy);
  if (spec["os"]["name"].text() == "windows") spec["os"]["name"].error(mismatch("windows", "linux"));
  check_node_selector(spec["nodeSelector"]);
  to.priority = spec["priority"].integer();
  const View priority_class = spec["priorityClassName"];
  to.priority_class = priority_class.text();
  if (priority_class && !to.priority && !to.priority_class.starts_with("system-")) {
    priority_class.warn(mismatch(describe(priority_class.node()),
                                 "`priority` beside it, as PriorityClass objects are not read, or system-node-critical "
                                 "or system-cluster-critical"));
  }
  to.host_users = spec["hostUsers"].boolean(true);
  to.runtime_class = spec["runtimeClassName"].text();
  if (!to.runtime_class.empty()) spec["runtimeClassName"].check(check_dns_subdomain(to.runtime_class));
  to.share_process_namespace = spec["shareProcessNamespace"].boolean();
  if (to.share_process_namespace && to.host_pid) {
    spec["shareProcessNamespace"].error(mismatch("true together with hostPID", "one of them"));
  }
  to.security = read_pod_security(spec["securityContext"]);
  if (auto sysctls = read_sysctls(spec["securityContext"]["sysctls"], to); !sysctls.empty())
    to.security.edit().sysctls = std::move(sysctls);
  read_places(spec, to);
  for (const auto& item : spec["imagePullSecrets"].items()) to.image_pull_secrets.push_back(item["name"].text());
  to.scheduling_gates = read_gates(spec);
  to.host_aliases = read_host_aliases(spec["hostAliases"]);
  if (!to.host_aliases.empty() && to.host_network) {
    spec["hostAliases"].warn({"`hostAliases` is not acted on with hostNetwork: the machine's /etc/hosts is its own"});
  }
  to.volumes = read_volumes(spec["volumes"]);
  add_claims(claims, to.volumes);
  std::set<std::string> names;
  to.init_containers = read_containers(spec["initContainers"], to.volumes, names, true);
  to.containers = read_containers(spec["containers"], to.volumes, names, false);
  read_pod_resources(spec["resources"], to);
  check_huge_pages(spec["volumes"], to);
  check_volume_fields(spec, pod);
  check_users(spec, to);
  check_resize_policies(spec, to);
  check_host_ports(spec, to.host_network);
  const View containers = spec["containers"];
  if (containers && containers.node().kind == YamlNode::Kind::kList && containers.node().items.empty()) {
    containers.error(mismatch("an empty list", "at least one container"));
  }
}

}  // namespace mete::config
