// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include <algorithm>

#include "config/diagnostics.h"
#include "config/names.h"
#include "config/reading/fields.h"
#include "config/reading/identity_text.h"
#include "config/reading/readers.h"

namespace mete::config {
namespace {

PodSecurityContext read_pod_security(const View& view) {
  PodSecurityContext security;
  security.run_as_user = read_id(view["runAsUser"]);
  security.run_as_group = read_id(view["runAsGroup"]);
  security.fs_group = read_id(view["fsGroup"]);
  for (const auto& item : view["supplementalGroups"].items()) {
    if (const auto id = read_id(item)) security.supplemental_groups.push_back(*id);
  }
  return security;
}

std::vector<HostAlias> read_host_aliases(const View& view) {
  std::vector<HostAlias> aliases;
  for (const auto& item : view.items()) {
    HostAlias alias{item["ip"].text(), item["hostnames"].texts()};
    in6_addr address{};
    const bool known =
        ::inet_pton(AF_INET, alias.ip.c_str(), &address) == 1 || ::inet_pton(AF_INET6, alias.ip.c_str(), &address) == 1;
    if (item["ip"] && !known) item["ip"].error(mismatch(describe(item["ip"].node()), "an IP address"));
    for (const auto& name : item["hostnames"].items()) name.check(check_dns_subdomain(name.text()));
    aliases.push_back(std::move(alias));
  }
  return aliases;
}

void check_mounts(const View& container, const std::vector<Volume>& volumes) {
  std::vector<std::string_view> names;
  names.reserve(volumes.size());
  for (const auto& volume : volumes) names.emplace_back(volume.name);
  for (const auto& mount : container["volumeMounts"].items()) {
    const View name = mount["name"];
    const std::string wanted = name.text();
    if (!name || std::find(names.begin(), names.end(), wanted) != names.end()) continue;
    Complaint complaint = mismatch(describe(name.node()), "the name of a volume under spec.volumes");
    complaint.suggestion = nearest(wanted, names);
    if (!complaint.suggestion.empty()) complaint.message += ", did you mean `" + complaint.suggestion + "`?";
    name.error(std::move(complaint));
  }
}

// Init containers and containers share one set of names: a name stands for one log and one cgroup.
std::vector<Container> read_containers(const View& list, const std::vector<Volume>& volumes,
                                       std::set<std::string>& names, bool init) {
  std::vector<Container> containers;
  for (const auto& item : list.items()) {
    containers.push_back(read_container(item));
    const View restart = item["restartPolicy"];
    containers.back().sidecar = init && restart.text() == "Always";
    if (restart && !containers.back().sidecar) {
      restart.warn(
          mismatch(describe(restart.node()), "Always, of an init container; mete acts on nothing else here yet"));
    }
    check_unique(item["name"], "container", names);
    check_mounts(item, volumes);
  }
  return containers;
}

}  // namespace

Pod read_pod(const View& view) {
  Pod pod;
  pod.location = view.location();
  pod.metadata = read_metadata(view["metadata"]);
  pod.identity_text = identity_text(view, kPodSpec);
  const View spec = view["spec"];
  PodSpec& to = pod.spec;
  to.restart_policy = read_enum(spec["restartPolicy"], kRestartPolicyNames, RestartPolicy::kAlways);
  if (const auto seconds = spec["terminationGracePeriodSeconds"].integer()) {
    to.termination_grace_period = std::chrono::seconds(*seconds);
  }
  to.hostname = spec["hostname"].text();
  if (!to.hostname.empty()) spec["hostname"].check(check_dns_label(to.hostname));
  to.host_network = spec["hostNetwork"].boolean();
  to.host_pid = spec["hostPID"].boolean();
  to.host_ipc = spec["hostIPC"].boolean();
  to.priority = spec["priority"].integer();
  const View priority_class = spec["priorityClassName"];
  to.priority_class = priority_class.text();
  if (priority_class && !to.priority && !to.priority_class.starts_with("system-")) {
    priority_class.warn(mismatch(describe(priority_class.node()),
                                 "`priority` beside it, as PriorityClass objects are not read, or system-node-critical "
                                 "or system-cluster-critical"));
  }
  to.share_process_namespace = spec["shareProcessNamespace"].boolean();
  if (to.share_process_namespace && to.host_pid) {
    spec["shareProcessNamespace"].error(mismatch("true together with hostPID", "one of them"));
  }
  to.security = read_pod_security(spec["securityContext"]);
  to.host_aliases = read_host_aliases(spec["hostAliases"]);
  if (!to.host_aliases.empty() && to.host_network) {
    spec["hostAliases"].warn({"`hostAliases` is not acted on with hostNetwork: the machine's /etc/hosts is its own"});
  }
  to.volumes = read_volumes(spec["volumes"]);
  std::set<std::string> names;
  to.init_containers = read_containers(spec["initContainers"], to.volumes, names, true);
  to.containers = read_containers(spec["containers"], to.volumes, names, false);
  const View containers = spec["containers"];
  if (containers && containers.node().kind == YamlNode::Kind::kList && containers.node().items.empty()) {
    containers.error(mismatch("an empty list", "at least one container"));
  }
  return pod;
}

}  // namespace mete::config
