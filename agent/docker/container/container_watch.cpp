// SPDX-License-Identifier: Apache-2.0
// What follows from the state that a container's pod has come to: events, errors, health, and the end of what was asked
// for.
#include <algorithm>

#include "agent/docker/container/containers.h"
#include "agent/docker/container/start_errors.h"

namespace mete::agent::docker {

void Containers::changed(const std::string& key) {
  const auto at =
      std::find_if(records_.begin(), records_.end(), [&](const auto& each) { return each.second.key() == key; });
  if (at == records_.end()) return;
  const std::string id = at->first;
  if (reconciler_.find(key) == nullptr) return gone(id);
  look(id);
}

void Containers::look(const std::string& id) {
  ContainerRecord& record = records_.at(id);
  Pod& own = *pod(record);
  look_at_ends(record, own);
  settle(record, own);
  join_networks(record, own);
  watch_health(record, own);
  if (own.record().stopped && !own.containers().front()->is_active()) release_mounts(record);
  call_watchers(id);
}

void Containers::look_at_ends(ContainerRecord& record, Pod& own) {
  const auto& now = own.record().containers.front();
  const bool known = seen_.contains(record.id);
  Seen& seen = seen_[record.id];
  const bool running = now.state == agent::ContainerState::kRunning;
  const bool ended = now.has_ended && now.finished_at != seen.finished;
  const bool started = now.attempt != seen.attempt && (running || (ended && now.reason != "StartError"));
  if (running && now.attempt != seen.attempt) find_layer(record);
  if (known && started) tell_start(record);
  if (known && ended) {
    ++seen.ends;
    tell_end(record, now);
  }
  if (running || ended || !known) seen.attempt = now.attempt;
  seen.running = running;
  seen.finished = now.has_ended ? now.finished_at : WallTime();
}

// One that has run since a client started it, and that its restart policy starts again: the container whose namespaces
// it is in is being started anew, too, as both ended together.
bool Containers::tries_again(const ContainerRecord& record, const std::string& error) const {
  const auto seen = seen_.find(record.id);
  const std::string policy = text_of(field(record.host_config, "RestartPolicy"), "Name");
  return !policy.empty() && policy != "no" && error.ends_with(" is not running") && seen != seen_.end() &&
         seen->second.attempt > seen->second.asked_attempt;
}

// What follows from the state that the pod has come to.
void Containers::settle(ContainerRecord& record, Pod& own) {
  if (own.record().terminating) return;
  // Without a plan it is not known yet whether it is started again.
  if (own.plan() == nullptr) return begin_without_plan(record.id);
  const auto& now = own.record().containers.front();
  const bool waits_for_good = now.state == agent::ContainerState::kWaiting && !now.waiting_reason.empty();
  const bool over = now.state == agent::ContainerState::kExited;
  std::string error =
      now.has_ended && now.reason == "StartError" && over ? start_error_text(record, now.exit_code, now.message) : "";
  if (waits_for_good) error = start_error_text(record, 0, now.message);
  if (waits_for_good && tries_again(record, error)) return;
  if (!error.empty() && error != record.error) {
    record.error = error;
    (void)save(record);
  }
  if (waits_for_good) {
    own.containers().front()->attempt().forget_attached();
    ++seen_[record.id].ends;  // for who waits, a start that failed is an end
  }
  if (!waits_for_good && (!over || !now.has_ended)) return;
  if (!own.record().stopped) own.stop(std::chrono::seconds(0));
  if (flag_of(record.host_config, "AutoRemove")) {
    seen_[record.id].remove_volumes = true;
    own.terminate(std::chrono::seconds(0));
  }
}

void Containers::watch_health(ContainerRecord& record, Pod& own) {
  Seen& seen = seen_[record.id];
  const auto& now = own.record().containers.front();
  const bool running = now.state == agent::ContainerState::kRunning && !own.record().terminating;
  if (!running && seen.health) seen.health->stop();
  if (!running || (seen.health && seen.health_attempt == now.attempt)) return;
  auto plan = health_plan(record.config);
  if (!plan) return;
  seen.health_attempt = now.attempt;
  ProbePlace place{own.containers().front()->slot().files().directory(), now.process, {}, {}};
  seen.health = std::make_unique<HealthWatch>(
      services_, std::move(*plan), std::move(place), now.started_at, [this, id = record.id] {
        tell(records_.at(id), "health_status: " + seen_[id].health->state().status);
        health_changed(id);
        call_watchers(id);
      });
}

// The label of the tool autoheal, which does this beside dockerd. On a turn of its own: the restart ends the watch that
// calls this.
void Containers::health_changed(const std::string& id) {
  const ContainerRecord& record = records_.at(id);
  const auto labels = texts_of(record.config, "Labels");
  const auto label = labels.find("autoheal");
  if (label == labels.end() || label->second != "true" || seen_[id].health->state().status != "unhealthy") return;
  services_.events.add(
      {.severity = Severity::kWarning,
       .reason = name_of(Reason::kUnhealthy),
       .pod = record.key(),
       .container = record.pod,
       .message = "Container " + record.name + " is unhealthy and is restarted, as its label autoheal=true asks for"});
  asio::post(services_.loop, alive_.guard([this, id] {
    if (!records_.contains(id) || !state(records_.at(id)).has_process()) return;
    restart(id, std::nullopt, [this, id](const std::optional<Refusal>& failed) {
      if (!failed || !records_.contains(id)) return;
      services_.events.add({.severity = Severity::kWarning,
                            .reason = name_of(Reason::kUnhealthy),
                            .pod = records_.at(id).key(),
                            .container = records_.at(id).pod,
                            .message = "The restart that its label autoheal=true asks for failed: " + failed->message});
    });
  }));
}

const HealthState* Containers::health(const std::string& id) const {
  const auto at = seen_.find(id);
  return at == seen_.end() || !at->second.health ? nullptr : &at->second.health->state();
}

}  // namespace mete::agent::docker
