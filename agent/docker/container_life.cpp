// SPDX-License-Identifier: Apache-2.0
// What clients do with containers: each asks the pod, and waits for what comes of it.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "agent/base/random.h"
#include "agent/docker/containers.h"
#include "agent/docker/create_request.h"
#include "agent/docker/pod_of.h"
#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

Refusal not_running(const ContainerRecord& record) {
  return {409, "container " + record.id + " is not running"};
}

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
      METE_CHECK(volumes_.create(name, Json::object(), anonymous));
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
  if (text_of(record.config, "Hostname").empty()) record.config["Hostname"] = record.short_id();
  const std::string first = pod_name(record.name, record.id, false);
  const bool taken = reconciler_.find(std::string(kNamespace) + "/" + first) != nullptr;
  record.pod = pod_name(record.name, record.id, taken);
  if (const auto made = prepare_mounts(record); !made) return refuse(400, made.error().what);
  if (const auto chosen = choose_ports(record); !chosen) return refuse(400, chosen.error().what);
  auto plan = plan_for(record);
  if (!plan) return refuse(400, plan.error().what);
  const std::string id = record.id;
  if (const auto saved = save(record); !saved) return refuse(500, saved.error().what);
  ContainerRecord& own = records_[id] = std::move(record);
  seen_[id] = {};
  const auto made = reconciler_.create_child(std::move(*plan), {kWorkloadKind, own.name, id, {}, -1}, true);
  if (!made) {
    ::unlink(path_of(id).c_str());
    records_.erase(id);
    seen_.erase(id);
    return refuse(500, made.error().what);
  }
  tell(own, "create");
  return &own;
}

void Containers::start(const std::string& id, Done done) {
  ContainerRecord& record = records_.at(id);
  Pod* const own = pod(record);
  const State now = state(record);
  if (own == nullptr || now.removing)
    return done(Refusal{409, "container is marked for removal and cannot be started"});
  if (now.paused) return done(Refusal{409, "cannot start a paused container, try unpause instead"});
  if (now.has_process()) return done(Refusal{304, ""});
  // Told to end, and not yet at its end.
  if (own->containers().front()->is_active()) {
    watch(id, [this, id, done] {
      Pod* const pod = records_.contains(id) ? this->pod(records_.at(id)) : nullptr;
      if (pod != nullptr && pod->containers().front()->is_active()) return false;
      if (pod == nullptr) {
        done(Refusal{404, "No such container: " + id});
      } else {
        asio::post(services_.loop, alive_.guard([this, id, done] {
          if (records_.contains(id)) start(id, done);
        }));
      }
      return true;
    });
    return;
  }
  auto& inside = own->record().containers.front();
  record.error.clear();
  inside.waiting_reason.clear();
  inside.message.clear();
  const std::uint32_t before = inside.attempt;
  // Restarting: what it waits for is over.
  if (!own->record().stopped) {
    inside.next_start = {};
    own->step();
  } else {
    own->start();
  }
  watch(id, [this, id, before, done] {
    if (!records_.contains(id)) {
      done(std::nullopt);  // it has ended already, and is gone
      return true;
    }
    const ContainerRecord& started = records_.at(id);
    const Pod* const pod = this->pod(started);
    const auto& container = pod->record().containers.front();
    if (!started.error.empty()) {
      const unsigned status = container.has_ended && container.reason == "StartError" ? 400 : 500;
      done(Refusal{status, started.error});
      return true;
    }
    const bool ran = container.attempt != before && container.reason != "StartError" && container.has_ended;
    if (container.state != agent::ContainerState::kRunning && !(ran && seen_[id].attempt != before)) return false;
    done(std::nullopt);
    return true;
  });
}

void Containers::stop(const std::string& id, std::optional<std::chrono::seconds> grace, int signal, Done done) {
  const ContainerRecord& record = records_.at(id);
  Pod* const own = pod(record);
  const State now = state(record);
  if (own == nullptr || !now.running) return done(Refusal{304, ""});
  Container& inside = *own->containers().front();
  if (signal != 0) inside.attempt().end_by(signal);
  if (now.paused) (void)inside.cgroup().thaw();
  own->stop(grace);
  watch(id, [this, id, done] {
    if (records_.contains(id)) {
      const ContainerRecord& stopped = records_.at(id);
      const Container* const container = this->container(stopped);
      if (container != nullptr && container->is_active()) return false;
      tell(stopped, "stop");
    }
    done(std::nullopt);
    return true;
  });
}

void Containers::restart(const std::string& id, std::optional<std::chrono::seconds> grace, Done done) {
  stop(id, grace, 0, [this, id, done](const std::optional<Refusal>& refusal) {
    if (refusal && refusal->status != 304) return done(refusal);
    asio::post(services_.loop, alive_.guard([this, id, done] {
      if (!records_.contains(id)) return done(Refusal{404, "No such container: " + id});
      start(id, [this, id, done](const std::optional<Refusal>& failed) {
        if (!failed && records_.contains(id)) tell(records_.at(id), "restart");
        done(failed && failed->status == 304 ? std::nullopt : failed);
      });
    }));
  });
}

std::optional<Refusal> Containers::kill(const ContainerRecord& record, int signal) {
  Pod* const own = pod(record);
  const State now = state(record);
  if (own == nullptr || !now.has_process())
    return Refusal{409, "cannot kill container: " + record.name + ": container " + record.id + " is not running"};
  Container& inside = *own->containers().front();
  if (const auto sent = inside.attempt().signal(signal); !sent) return not_running(record);
  tell(record, "kill", {{"signal", std::to_string(signal)}});
  if (signal != SIGKILL) return std::nullopt;
  // As docker has it: who is killed by hand is not started again.
  if (now.paused) (void)inside.cgroup().thaw();
  own->stop(std::chrono::seconds(0));
  return std::nullopt;
}

std::optional<Refusal> Containers::pause(ContainerRecord& record, bool paused) {
  const State now = state(record);
  const Container* const inside = container(record);
  if (!now.has_process() || inside == nullptr) return not_running(record);
  if (paused && now.paused) return Refusal{409, "container " + record.id + " is already paused"};
  if (!paused && !now.paused) return Refusal{500, "container " + record.id + " is not paused"};
  const auto done = paused ? inside->cgroup().freeze() : inside->cgroup().thaw();
  if (!done) return Refusal{500, done.error().what};
  tell(record, paused ? "pause" : "unpause");
  call_watchers(record.id);
  return std::nullopt;
}

std::optional<Refusal> Containers::rename(ContainerRecord& record, const std::string& asked) {
  const std::string name = asked.starts_with('/') ? asked.substr(1) : asked;
  if (const auto right = check_container_name(name); !right) return Refusal{400, right.error().what};
  if (name == record.name) return Refusal{400, "Renaming a container with the same name as its current name"};
  if (const ContainerRecord* other = by_name(name)) {
    return Refusal{409, "Error when allocating new name: Conflict. The container name \"/" + name +
                            "\" is already in use by container \"" + other->id +
                            "\". You have to remove (or rename) that container to be able to reuse that name."};
  }
  const std::string before = std::exchange(record.name, name);
  if (const auto saved = save(record); !saved) {
    record.name = before;
    return Refusal{500, saved.error().what};
  }
  tell(record, "rename", {{"oldName", "/" + before}});
  return std::nullopt;
}

std::optional<Refusal> Containers::update(ContainerRecord& record, Json host_config) {
  ContainerRecord changed = record;
  changed.host_config = std::move(host_config);
  auto plan = plan_for(changed);
  if (!plan) return Refusal{400, plan.error().what};
  if (const auto saved = save(changed); !saved) return Refusal{500, saved.error().what};
  record = std::move(changed);
  if (Pod* const own = pod(record)) {
    own->set_plan(std::move(*plan));
    own->containers().front()->apply_limits();
    own->step();
  }
  tell(record, "update");
  return std::nullopt;
}

void Containers::remove(const std::string& id, bool force, bool volumes, Done done) {
  const ContainerRecord& record = records_.at(id);
  Pod* const own = pod(record);
  const State now = state(record);
  if (now.running && !force) {
    const std::string what = now.paused ? "paused" : "running";
    return done(Refusal{409, "cannot remove container \"/" + record.name + "\": container is " + what + ": " +
                                 (now.paused ? "unpause" : "stop") + " the container before removing or force remove"});
  }
  if (now.removing) return done(Refusal{409, "removal of container " + record.name + " is already in progress"});
  seen_[id].remove_volumes = volumes;
  if (own == nullptr) {
    gone(id);
    return done(std::nullopt);
  }
  if (now.paused) (void)own->containers().front()->cgroup().thaw();
  if (now.has_process()) (void)own->containers().front()->attempt().signal(SIGKILL);
  own->terminate(std::chrono::seconds(0));
  watch(id, [this, id, done] {
    if (records_.contains(id)) return false;
    done(std::nullopt);
    return true;
  });
}

}  // namespace mete::agent::docker
