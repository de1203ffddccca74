// SPDX-License-Identifier: Apache-2.0
// The events of a container that starts and ends, with those of its networks and volumes, in docker's order.
#include <csignal>

#include "agent/docker/container/container_json.h"
#include "agent/docker/container/containers.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/endpoints.h"
#include "agent/networks/networks.h"
#include "runtime/process/signals.h"

namespace mete::agent::docker {

void Containers::tell(const ContainerRecord& record, const std::string& action, Json more) {
  for (const auto& [name, value] : texts_of(record.config, "Labels")) more[name] = value;
  more["image"] = record.image;
  more["name"] = record.name;
  events_.add({"container", action, record.id, std::move(more), {}});
}

void Containers::tell_volume(const std::string& action, const std::string& name, Json more) {
  more["driver"] = "local";
  events_.add({"volume", action, name, std::move(more), {}});
}

void Containers::tell_networks(const ContainerRecord& record, const std::string& action) {
  std::vector<std::string> names = further_networks(record);
  names.insert(names.begin(), own_network(record));
  const auto specs = reconciler_.networks().list();
  for (const auto& name : names) {
    if (name.starts_with("container:")) continue;
    std::string type = name == "none" ? "null" : name;  // "host"
    for (const auto& spec : specs) {
      if (spec.name == name) type = to_string(spec.driver);
    }
    events_.add({"network", action, network_id(name), {{"container", record.id}, {"name", name}, {"type", type}}, {}});
  }
}

void Containers::tell_start(const ContainerRecord& record) {
  tell_networks(record, "connect");
  const auto mounts = mounts_of(record.config, record.host_config);
  for (const auto& each : mounts ? *mounts : std::vector<MountAsked>()) {
    if (each.type == "volume")
      tell_volume("mount", each.source,
                  {{"container", record.id},
                   {"destination", each.target},
                   {"propagation", ""},
                   {"read/write", each.read_only ? "false" : "true"}});
  }
  tell(record, "start");
}

void Containers::tell_end(const ContainerRecord& record, const agent::ContainerRecord& inside) {
  // Whom a stop does not end in time is killed.
  Seen& seen = seen_[record.id];
  if (seen.is_being_stopped && inside.exit_code == 128 + SIGKILL)
    tell(record, "kill", {{"signal", std::to_string(SIGKILL)}});
  seen.is_being_stopped = false;
  if (inside.reason == "OOMKilled") tell(record, "oom");
  tell(record, "die", {{"exitCode", std::to_string(inside.exit_code)}});
  tell_networks(record, "disconnect");
  const auto mounts = mounts_of(record.config, record.host_config);
  for (const auto& each : mounts ? *mounts : std::vector<MountAsked>()) {
    if (each.type == "volume") tell_volume("unmount", each.source, {{"container", record.id}});
  }
}

// The signal that a stop begins with: the client's, the container's own, or the usual one.
void Containers::tell_stop(const ContainerRecord& record, int signal) {
  const std::string own = text_of(record.config, "StopSignal");
  if (signal == 0) signal = runtime::process::signal_number(own.empty() ? "TERM" : own).value_or(SIGTERM);
  tell(record, "kill", {{"signal", std::to_string(signal)}});
  seen_[record.id].is_being_stopped = signal != SIGKILL;
}

}  // namespace mete::agent::docker
