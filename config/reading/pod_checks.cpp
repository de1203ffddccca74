// SPDX-License-Identifier: Apache-2.0
#include "config/reading/pod_checks.h"

#include <algorithm>

#include "config/model/diagnostics.h"
#include "config/reading/readers.h"
#include "config/resolve/downward.h"

namespace mete::config {
namespace {

// With hostNetwork a container listens on the machine itself. Otherwise a port of the machine leads to one container.
void check_ports_of(const View& list, bool host_network, std::set<std::string>& taken) {
  for (const auto& container : list.items()) {
    for (const auto& port : container["ports"].items()) {
      const View on_host = port["hostPort"];
      const auto number = on_host.integer().value_or(0);
      if (number == 0) continue;
      if (host_network) {
        if (number != port["containerPort"].integer())
          on_host.error(mismatch(describe(on_host.node()), "the containerPort, with hostNetwork"));
        continue;
      }
      const std::string key = port["protocol"].text("TCP") + " " + port["hostIP"].text() + " " + std::to_string(number);
      if (!taken.insert(key).second)
        on_host.error(mismatch(std::to_string(number) + " a second time", "each port of the machine once"));
    }
  }
}

// A container's name in a downwardAPI volume.
void check_downward(const View& items, const Pod& pod) {
  for (const auto& item : items.items()) {
    const View ref = item["resourceFieldRef"]["containerName"];
    if (ref && find_container(pod, ref.text()) == nullptr) {
      ref.error(mismatch(describe(ref.node()), "the name of a container of this pod"));
    }
  }
}

void check_volume_name(const View& name, const std::vector<Volume>& volumes) {
  std::vector<std::string_view> names;
  names.reserve(volumes.size());
  for (const auto& volume : volumes) names.emplace_back(volume.name);
  const std::string wanted = name.text();
  if (!name || std::find(names.begin(), names.end(), wanted) != names.end()) return;
  Complaint complaint = mismatch(describe(name.node()), "the name of a volume under spec.volumes");
  complaint.suggestion = nearest(wanted, names);
  if (!complaint.suggestion.empty()) complaint.message += ", did you mean `" + complaint.suggestion + "`?";
  name.error(std::move(complaint));
}

// A user namespace has these ids, as the kubelet makes it.
constexpr std::int64_t kHighestOwnId = 65535;

void check_own_ids(const View& security) {
  for (const auto* const field : {"runAsUser", "runAsGroup", "fsGroup"}) {
    const View id = security[field];
    if (id.integer().value_or(0) > kHighestOwnId)
      id.error(mismatch(describe(id.node()) + " with `hostUsers: false`", "at most 65535"));
  }
  for (const auto& id : security["supplementalGroups"].items()) {
    if (id.integer().value_or(0) > kHighestOwnId)
      id.error(mismatch(describe(id.node()) + " with `hostUsers: false`", "at most 65535"));
  }
}

// What Kubernetes forbids in a pod with users of its own: namespaces of the machine, whose owners those are not.
void check_own_users(const View& spec, const PodSpec& pod) {
  const View own = spec["hostUsers"];
  for (const auto* const field : {"hostNetwork", "hostPID", "hostIPC"}) {
    if (spec[field].boolean()) own.error(mismatch("false with `" + std::string(field) + "`", "one of them"));
  }
  check_own_ids(spec["securityContext"]);
  for (const auto* list : {"initContainers", "containers"}) {
    for (const auto& container : spec[list].items()) check_own_ids(container["securityContext"]);
  }
  for (const auto* list : {&pod.init_containers, &pod.containers}) {
    for (const auto& container : *list) {
      if (!container.security->privileged) continue;
      own.error(mismatch("false with the privileged container `" + container.name + "`",
                         "one of them: a user namespace has no devices of the machine"));
    }
  }
}

std::set<std::string> page_sizes(const PodSpec& spec) {
  std::set<std::string> sizes;
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    for (const auto& container : *list) {
      for (const auto& [size, amount] : *container.resources.limits.huge_pages) sizes.insert(size);
    }
  }
  return sizes;
}

}  // namespace

void check_host_ports(const View& spec, bool host_network) {
  std::set<std::string> taken;
  for (const auto* list : {"initContainers", "containers"}) check_ports_of(spec[list], host_network, taken);
}

void check_volume_fields(const View& spec, const Pod& pod) {
  for (const auto& volume : spec["volumes"].items()) {
    check_downward(volume["downwardAPI"]["items"], pod);
    for (const auto& source : volume["projected"]["sources"].items())
      check_downward(source["downwardAPI"]["items"], pod);
  }
}

void check_mounts(const View& container, const std::vector<Volume>& volumes) {
  for (const auto& mount : container["volumeMounts"].items()) check_volume_name(mount["name"], volumes);
  for (const auto& variable : container["env"].items())
    check_volume_name(variable["valueFrom"]["fileKeyRef"]["volumeName"], volumes);
}

void check_huge_pages(const View& volumes, PodSpec& spec) {
  const std::set<std::string> sizes = page_sizes(spec);
  const auto views = volumes.items();
  for (std::size_t i = 0; i < views.size() && i < spec.volumes.size(); ++i) {
    auto* empty = std::get_if<EmptyDirVolume>(&spec.volumes[i].source);
    if (empty == nullptr || empty->huge_pages.empty()) continue;
    const View medium = views[i]["emptyDir"]["medium"];
    if (empty->huge_pages != kAnyHugePage) {
      if (!sizes.contains(empty->huge_pages))
        medium.error(mismatch(describe(medium.node()), "a container with the limit hugepages-" + empty->huge_pages));
    } else if (sizes.size() == 1) {
      empty->huge_pages = *sizes.begin();
    } else {
      medium.error(
          mismatch("HugePages, and " + std::to_string(sizes.size()) + " sizes in the limits of the containers",
                   "a container with a limit such as hugepages-2Mi, or HugePages-SIZE when there are several"));
    }
  }
}

void check_resize_policies(const View& spec, const PodSpec& pod) {
  const auto containers = spec["containers"].items();
  for (std::size_t i = 0; i < containers.size() && i < pod.containers.size(); ++i) {
    if (pod.containers[i].restart.value_or(pod.restart_policy) != RestartPolicy::kNever) continue;
    for (const auto& item : containers[i]["resizePolicy"].items()) {
      const View policy = item["restartPolicy"];
      if (policy.text() == "RestartContainer")
        policy.error({"must be 'NotRequired' when `restartPolicy` is 'Never'", describe(policy.node()), "NotRequired"});
    }
  }
}

void check_users(const View& spec, const PodSpec& pod) {
  if (!pod.host_users) return check_own_users(spec, pod);
  for (const auto* list : {"initContainers", "containers"}) {
    for (const auto& container : spec[list].items()) {
      const View proc = container["securityContext"]["procMount"];
      if (proc.text() == "Unmasked") proc.error(mismatch("Unmasked", "`hostUsers: false` with it, as Kubernetes does"));
    }
  }
}

}  // namespace mete::config
