// SPDX-License-Identifier: Apache-2.0
// What clients do with containers: each asks the pod, and waits for what comes of it.

#include <csignal>

#include "agent/docker/container/containers.h"
#include "agent/docker/container/start_errors.h"
#include "agent/docker/create/create_request.h"
#include "agent/networks/networks.h"

namespace mete::agent::docker {
namespace {

Refusal not_running(const ContainerRecord& record) {
  return {409, "Container " + record.id + " is not running"};
}

}  // namespace

void Containers::start(const std::string& id, Done done) {
  ContainerRecord& record = records_.at(id);
  Pod* const own = pod(record);
  const State now = state(record);
  if (own == nullptr || now.removing)
    return done(Refusal{409, "container is marked for removal and cannot be started"});
  if (now.paused) return done(Refusal{409, "cannot start a paused container, try unpause instead"});
  // One that is being stopped still has its process: it is started when that has ended, below.
  if (now.has_process() && !own->record().stopped) return done(Refusal{304, ""});
  if (seen_[id].copies > 0)
    return done(Refusal{409, "container " + id + ": files are being copied into it, start it when they are there"});
  // By another client, or by an agent that was killed in the middle of it.
  const bool starting = own->containers().front()->is_active() && !own->record().stopped;
  // Told to end, and not yet at its end.
  if (own->containers().front()->is_active() && !starting) {
    watch(id, [this, id, done] {
      Pod* const pod = records_.contains(id) ? this->pod(records_.at(id)) : nullptr;
      if (pod != nullptr && pod->containers().front()->is_active()) return false;
      if (pod == nullptr) {
        done(Refusal{404, "No such container: " + id});
      } else {
        asio::post(services_.loop, alive_.guard([this, id, done] {
          if (!records_.contains(id)) return done(Refusal{404, "No such container: " + id});
          start(id, done);
        }));
      }
      return true;
    });
    return;
  }
  if (!starting && lacks_mounts(record)) return start_with_mounts(id, done);
  auto& inside = own->record().containers.front();
  if (!starting) seen_[id].asked_attempt = inside.attempt;
  const std::uint32_t before = inside.attempt - (starting ? 1 : 0);
  if (!starting) {
    record.error.clear();
    inside.waiting_reason.clear();
    inside.message.clear();
  }
  if (own->record().stopped) {
    own->start();
  } else if (!starting) {
    inside.next_start = {};  // restarting: what it waits for is over
    own->step();
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
      const bool tried = container.has_ended && container.reason == "StartError";
      done(Refusal{start_error_status(started.error, tried), started.error});
      return true;
    }
    const bool ran = container.attempt != before && container.reason != "StartError" && container.has_ended;
    if (!ran && pod->record().stopped && !pod->containers().front()->is_active()) {
      done(Refusal{409, "container " + id + " was stopped before it ran"});
      return true;
    }
    if (container.state != agent::ContainerState::kRunning && !(ran && seen_[id].attempt != before)) return false;
    std::string not_joined;
    if (!ran && !has_joined(started, not_joined)) return false;
    done(not_joined.empty() ? std::nullopt : std::optional(Refusal{500, not_joined}));
    return true;
  });
}

void Containers::copying(const std::string& id, bool begins) {
  if (begins) {
    ++seen_[id].copies;
  } else if (const auto at = seen_.find(id); at != seen_.end()) {  // it may have been removed meanwhile
    --at->second.copies;
  }
}

void Containers::stop(const std::string& id, std::optional<std::chrono::seconds> grace, int signal, Done done) {
  const ContainerRecord& record = records_.at(id);
  Pod* const own = pod(record);
  const State now = state(record);
  // Also one that is only about to run: what a client, or an agent that was killed in the middle of it, has begun.
  const bool starts = own != nullptr && !own->record().stopped && !now.removing;
  if (!now.running && !starts) return done(Refusal{304, ""});
  Container& inside = *own->containers().front();
  if (signal != 0) inside.attempt().end_by(signal);
  if (now.paused) (void)inside.pause(false);
  if (now.has_process()) tell_stop(record, grace && grace->count() == 0 ? SIGKILL : signal);
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
    return Refusal{409, "Cannot kill container: " + record.name + ": Container " + record.id + " is not running"};
  Container& inside = *own->containers().front();
  if (const auto sent = inside.attempt().signal(signal); !sent) return not_running(record);
  tell(record, "kill", {{"signal", std::to_string(signal)}});
  if (signal != SIGKILL) return std::nullopt;
  // As docker has it: who is killed by hand is not started again.
  if (now.paused) (void)inside.pause(false);
  own->stop(std::chrono::seconds(0));
  return std::nullopt;
}

std::optional<Refusal> Containers::pause(ContainerRecord& record, bool paused) {
  const State now = state(record);
  Container* const inside = container(record);
  if (!now.has_process() || inside == nullptr) return not_running(record);
  if (paused && now.paused) return Refusal{409, "Container " + record.id + " is already paused"};
  if (!paused && !now.paused) return Refusal{500, "Container " + record.id + " is not paused"};
  const auto done = inside->pause(paused);
  if (!done) return Refusal{500, done.error().what};
  tell(record, paused ? "pause" : "unpause");
  call_watchers(record.id);
  return std::nullopt;
}

std::optional<Refusal> Containers::rename(ContainerRecord& record, const std::string& asked) {
  const std::string name = asked.starts_with('/') ? asked.substr(1) : asked;
  if (!check_container_name(name))
    return Refusal{400, "Error when allocating new name: " + check_container_name("/" + name).error().what};
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
  // What answers for its name must not be what could not be planned: the pod then keeps the names that it has.
  if (const Pod* const own = plan_anew(record)) reconciler_.networks().call_anew(own->record().uid, own->plan()->pod);
  tell(record, "rename", {{"oldName", "/" + before}});
  return std::nullopt;
}

std::optional<Refusal> Containers::update(ContainerRecord& record, Json host_config) {
  ContainerRecord changed = record;
  changed.host_config = std::move(host_config);
  if (const auto there = check_machine(changed.host_config); !there) return Refusal{400, there.error().what};
  auto plan = plan_for(changed);
  if (!plan) return Refusal{400, plan.error().what};
  if (const auto saved = save(changed); !saved) return Refusal{500, saved.error().what};
  record = std::move(changed);
  if (Pod* const own = pod(record)) {
    own->set_plan(std::make_shared<const config::PodPlan>(std::move(*plan)));
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
    const std::string what = now.paused ? "paused" : now.restarting ? "restarting" : "running";
    return done(Refusal{409, "You cannot remove a " + what + " container " + record.id + ". " +
                                 (now.paused ? "Unpause and then stop" : "Stop") +
                                 " the container before attempting removal or force remove"});
  }
  if (now.removing) return done(Refusal{409, "removal of container " + record.name + " is already in progress"});
  seen_[id].remove_volumes = volumes;
  if (own == nullptr) {
    gone(id);
    return done(std::nullopt);
  }
  if (now.paused) (void)own->containers().front()->pause(false);
  if (now.has_process()) (void)own->containers().front()->attempt().signal(SIGKILL);
  own->terminate(std::chrono::seconds(0));
  watch(id, [this, id, done] {
    if (records_.contains(id)) return false;
    done(std::nullopt);
    return true;
  });
}

}  // namespace mete::agent::docker
