// SPDX-License-Identifier: Apache-2.0
// What a new container has of others that are there, and what the machine must have for it.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agent/docker/container/containers.h"
#include "agent/docker/container/of_others.h"
#include "agent/docker/create/io_wish.h"
#include "agent/docker/create/pod_of.h"
#include "agent/networks/pod_wishes.h"
#include "agent/pods/cgroup_parents.h"
#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/devices/block_device.h"
#include "runtime/cgroup/io.h"
#include "runtime/foreign/runtime_program.h"

namespace mete::agent::docker {
namespace {

bool is_named(const std::vector<config::RuntimeProgram>& configured, const std::string& name) {
  return std::any_of(configured.begin(), configured.end(), [&](const auto& each) { return each.name == name; });
}

std::string machine_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : std::string();
}

}  // namespace

// A container in another's network is called as that one, and stays in it whatever that one is called later.
Status Containers::take_other_network(ContainerRecord& record) {
  const std::string mode = text_of(record.host_config, "NetworkMode");
  if (!mode.starts_with(kOfAnother)) return {};
  const auto other = find(mode.substr(kOfAnother.size()));
  if (!other) return fail(other.error().message);
  record.host_config["NetworkMode"] = std::string(kOfAnother) + (*other)->id;
  const Json& config = (*other)->config;
  const bool is_machines = text_of((*other)->host_config, "NetworkMode") == "host";
  record.config["Hostname"] = is_machines ? machine_name() : text_of(config, "Hostname");
  record.config["Domainname"] = text_of(config, "Domainname");
  return {};
}

// The other must be there now, and must run when this one starts.
Status Containers::take_other_spaces(ContainerRecord& record) {
  for (const char* field : {"PidMode", "IpcMode"}) {
    const std::string mode = text_of(record.host_config, field);
    if (!mode.starts_with(kOfAnother)) continue;
    const auto other = find(mode.substr(kOfAnother.size()));
    if (!other) return fail(other.error().message);
    record.host_config[field] = std::string(kOfAnother) + (*other)->id;
  }
  return {};
}

void Containers::find_spaces(const ContainerRecord& record, Surrounding& around) const {
  const auto other_of = [&](const ContainerRecord& of, const char* field) -> const ContainerRecord* {
    const std::string mode = text_of(of.host_config, field);
    const auto at = mode.starts_with(kOfAnother) ? records_.find(mode.substr(kOfAnother.size())) : records_.end();
    return at == records_.end() ? nullptr : &at->second;
  };
  const auto named = [&](const char* field) {
    const std::string mode = text_of(record.host_config, field);
    if (!mode.starts_with(kOfAnother)) return std::string();
    const ContainerRecord* const other = other_of(record, field);
    return (other == nullptr ? "" : other->key()) + " " + mode.substr(kOfAnother.size());
  };
  around.shared_memory = shared_memory_folder();
  // A container that is gone is missed when this one starts. A container that runs stays in the network that it is in.
  if (const std::string mode = text_of(record.host_config, "NetworkMode"); mode.starts_with(kOfAnother)) {
    const ContainerRecord* const other = other_of(record, "NetworkMode");
    const std::string id = mode.substr(kOfAnother.size());
    around.network_of_other = other == nullptr ? std::string(kNamespace) + "/" + id : other->key();
  }
  around.pid_of = named("PidMode");
  around.ipc_of = named("IpcMode");
  // Modes lead from a younger container to an older one, so this comes to an end.
  const ContainerRecord* owner = other_of(record, "IpcMode");
  while (owner != nullptr && other_of(*owner, "IpcMode") != nullptr) owner = other_of(*owner, "IpcMode");
  if (owner != nullptr && text_of(owner->host_config, "IpcMode") == "shareable") around.ipc_owner = owner->id;
}

// The links become names of pods, which stay when a container is renamed.
Status Containers::take_from_others(ContainerRecord& record) {
  METE_TRY(const auto links, links_asked(record));
  Json pods = Json::object();
  for (const auto& link : links) {
    const auto other = find(link.container);
    if (!other) return fail("could not get container for " + link.container + ": " + other.error().message);
    pods[link.alias] = (*other)->key();
  }
  if (!pods.empty()) record.config["MeteLinks"] = std::move(pods);
  METE_TRY(const auto volumes, volumes_asked(record.host_config));
  for (const auto& each : volumes) {
    const auto other = find(each.container);
    if (!other) return fail(other.error().message);
    METE_CHECK(share_volumes(**other, each.read_only, record));
  }
  METE_CHECK(take_other_network(record));
  METE_CHECK(take_other_spaces(record));
  if (text_of(record.host_config, "UTSMode") == "host") record.config["Hostname"] = machine_name();
  return {};
}

std::string Containers::other_runtime(const Json& host_config) const {
  std::string name = text_of(host_config, "Runtime");
  const bool is_own = name.empty() || name == config::kOwnRuntime || name == "runc" || name == "mete-oci";
  return is_own && !is_named(services_.settings.config.runtimes, name) ? "" : name;
}

Status Containers::check_machine(const Json& host_config) const {
  if (const std::string other = other_runtime(host_config); !other.empty()) {
    const auto& configured = services_.settings.config.runtimes;
    if (const auto found = runtime::foreign::find_runtime(other, configured); !found)
      return fail("Unknown runtime specified " + other +
                  (is_named(configured, other) ? ": " + found.error().what : ""));
  }
  if (const auto below = cgroup_parent_below(services_.settings.cgroup_parent, text_of(host_config, "CgroupParent"));
      !below)
    return fail("HostConfig.CgroupParent: " + below.error().what);
  if (flag_of(host_config, "OomKillDisable") && !runtime::cgroup::can_wait_out_of_memory(services_.hierarchies))
    return fail(
        "HostConfig.OomKillDisable: found true, expected false: a kernel with cgroup v2's memory controller cannot let "
        "processes wait at the limit; a Policy can hold them (memory: onOOM)");
  METE_TRY(const auto io, io_wish(host_config));
  for (const auto& each : io.devices) {
    if (const auto disk = runtime::cgroup::disk_of(each.path); !disk)
      return fail("HostConfig.BlkioDevice: " + disk.error().what);
  }
  if (!io.devices.empty() && !runtime::cgroup::has_io(services_.hierarchies))
    return fail("HostConfig.BlkioDevice: found bounds, but this machine has no cgroup controller for disks");
  if (!io.weight && io.device_weights.empty()) return {};
  METE_TRY(const auto group, runtime::cgroup::Group::at(services_.hierarchies, services_.settings.cgroup_parent));
  METE_CHECK(group.create());  // the root has no such file
  for (const auto& each : io.device_weights) {
    if (const auto disk = runtime::cgroup::weighted_disk_of(group, each.path); !disk)
      return fail("HostConfig.BlkioWeightDevice: " + disk.error().what);
  }
  if (!io.weight) return {};
  const Status found = runtime::cgroup::find_io_weight(group);
  return found ? Status() : fail("HostConfig.BlkioWeight: " + found.error().what);
}

}  // namespace mete::agent::docker
