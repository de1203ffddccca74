// SPDX-License-Identifier: Apache-2.0
// How a container comes to be: its name, what it mounts, its ports, its record, its pod.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "agent/base/random.h"
#include "agent/docker/container/containers.h"
#include "agent/docker/create/create_request.h"
#include "agent/docker/create/pod_of.h"
#include "agent/pods/cgroup_parents.h"
#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

// A port of the machine that nobody listens at now. 0: none was found.
std::uint16_t free_port(int type) {
  const runtime::UniqueFd probe(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return 0;
  if (::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.sin_port);
}

}  // namespace

std::string Containers::invented_name() {
  constexpr std::array<const char*, 16> kFirst = {"amber",  "brisk", "calm",  "dapper", "eager", "fleet",
                                                  "gentle", "hardy", "ideal", "jolly",  "keen",  "lucid",
                                                  "mellow", "noble", "quiet", "sunny"};
  constexpr std::array<const char*, 16> kSecond = {"anvil",  "beacon", "cedar",  "delta",   "ember",  "falcon",
                                                   "garnet", "harbor", "inlet",  "juniper", "kettle", "lantern",
                                                   "maple",  "otter",  "pebble", "willow"};
  while (true) {
    const std::string random = new_id();
    const auto pick = [&](std::size_t at) {
      return static_cast<std::size_t>(random[at] <= '9' ? random[at] - '0' : random[at] - 'a' + 10);
    };
    std::string name = std::string(kFirst[pick(0)]) + "_" + kSecond[pick(1)];
    if (by_name(name) != nullptr) name += "_" + random_suffix();
    if (by_name(name) == nullptr) return name;
  }
}

// The folders that it mounts: -v makes what is missing, --mount does not.
Status Containers::prepare_mounts(ContainerRecord& record) {
  METE_TRY(const auto mounts, mounts_of(record.config, record.host_config));
  for (const auto& mount : mounts) {
    struct stat found {};
    if (mount.type == "volume") {
      const bool anonymous = mount.source.empty();
      const std::string name = anonymous ? new_id() : mount.source;
      if (anonymous) record.config["MeteVolumes"][mount.target] = name;
      const bool is_new = !volumes_.find(name);
      METE_CHECK(volumes_.create(name, Json::object(), mount.volume_options, anonymous));
      if (is_new) tell_volume("create", name);
    } else if (mount.type == "bind" && ::stat(mount.source.c_str(), &found) != 0) {
      if (mount.must_exist)
        return fail("invalid mount config for type \"bind\": bind source path does not exist: " + mount.source);
      METE_CHECK(runtime::make_directories(mount.source, 0755));
    }
  }
  return {};
}

// Ports that the client leaves to us stay the same over the container's life.
Status Containers::choose_ports(ContainerRecord& record) {
  METE_TRY(const auto ports, ports_of(record.config, record.host_config));
  Json chosen = Json::array();
  for (const auto& port : ports) {
    const std::uint16_t number =
        port.host_port != 0 ? port.host_port : free_port(port.protocol == "udp" ? SOCK_DGRAM : SOCK_STREAM);
    if (number == 0) return fail("no port of the machine is free for " + std::to_string(port.container_port));
    chosen.push_back(number);
  }
  if (!chosen.empty()) record.config["MetePorts"] = std::move(chosen);
  return {};
}

tl::expected<ContainerRecord*, Refusal> Containers::create(ContainerRecord record, const std::string& asked) {
  const std::string name = asked.starts_with('/') ? asked.substr(1) : asked;
  const auto refuse = [](unsigned status, std::string message) {
    return tl::unexpected(Refusal{status, std::move(message)});
  };
  if (!name.empty()) {
    if (const auto right = check_container_name(name); !right) return refuse(400, right.error().what);
    if (const ContainerRecord* other = by_name(name)) {
      return refuse(409, "Conflict. The container name \"/" + name + "\" is already in use by container \"" +
                             other->id +
                             "\". You have to remove (or rename) that container to be able to reuse that name.");
    }
  }
  record.id = new_id();
  record.name = name.empty() ? invented_name() : name;
  record.created = std::chrono::system_clock::now();
  if (const auto there = check_machine(record.host_config); !there) return refuse(400, there.error().what);
  if (const auto taken = take_from_others(record); !taken) return refuse(400, taken.error().what);
  if (text_of(record.config, "Hostname").empty()) record.config["Hostname"] = record.short_id();
  const std::string first = pod_name(record.name, record.id, false);
  const bool taken = reconciler_.find(std::string(kNamespace) + "/" + first) != nullptr;
  record.pod = pod_name(record.name, record.id, taken);
  if (const auto made = prepare_mounts(record); !made) return refuse(400, made.error().what);
  if (const auto chosen = choose_ports(record); !chosen) return refuse(400, chosen.error().what);
  if (const auto kept = keep_seccomp(record); !kept) return refuse(400, kept.error().what);
  const auto give_up = [&](unsigned status, std::string message) {
    forget_seccomp(record);
    return refuse(status, std::move(message));
  };
  auto plan = plan_for(record);
  if (!plan) return give_up(400, plan.error().what);
  const auto below = cgroup_parent_below(services_.settings.cgroup_parent, text_of(record.host_config, "CgroupParent"));
  if (!below) return give_up(400, below.error().what);
  const std::string id = record.id;
  if (const auto saved = save(record); !saved) return give_up(500, saved.error().what);
  if (const auto added = layers().add(id, services_.settings.logs() + "/" + std::string(kNamespace) + "_" + record.pod);
      !added) {
    ::unlink(path_of(id).c_str());
    layers().remove(id);
    return give_up(500, added.error().what);
  }
  ContainerRecord& own = records_[id] = std::move(record);
  seen_[id] = {};
  const auto made = reconciler_.create_child(std::move(*plan), {kDockerWorkload, own.name, id, {}, -1}, true, *below);
  if (!made) {
    ::unlink(path_of(id).c_str());
    record = std::move(own);
    records_.erase(id);
    seen_.erase(id);
    layers().remove(id);
    return give_up(500, made.error().what);
  }
  tell(own, "create");
  return &own;
}

}  // namespace mete::agent::docker
