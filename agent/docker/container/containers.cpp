// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/containers.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "agent/docker/container/of_others.h"
#include "agent/docker/container/pod_of.h"
#include "agent/docker/container/start_errors.h"
#include "agent/docker/container/storage_opt.h"
#include "runtime/file.h"
#include "runtime/storage/place.h"
#include "runtime/unfinished_files.h"

namespace mete::agent::docker {

Containers::Containers(Services& services, Manifests& manifests, Reconciler& reconciler)
    : services_(services),
      manifests_(manifests),
      reconciler_(reconciler),
      volumes_(services.settings.docker() + "/volumes") {}

Status Containers::open() {
  METE_CHECK(runtime::make_directories(services_.settings.docker(), 0700));
  METE_CHECK(runtime::make_directories(volumes_.directory(), 0711));
  runtime::remove_unfinished(services_.settings.docker());
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(services_.settings.docker(), error)) {
    const std::string path = entry.path().string();
    // Of a build of an agent that was killed.
    if (entry.path().filename().string().starts_with(kBuildIds)) (void)::unlink(path.c_str());
    if (!path.ends_with(".json")) continue;
    const auto text = runtime::read_file(AT_FDCWD, path);
    auto record = text ? parse_container(*text) : tl::unexpected(text.error());
    if (!record) {
      all_read_ = false;
      services_.events.add({.severity = Severity::kWarning,
                            .reason = name_of(Reason::kRecordUnreadable),
                            .message = path + ": " + record.error().what + "; its pod is left alone"});
      continue;
    }
    records_[record->id] = std::move(*record);
  }
  if (error) return fail(services_.settings.docker() + ": " + error.message());
  reconciler_.on_child([this](const PodRecord& pod) { return plan(pod); }, kDockerWorkload);
  reconciler_.on_changed([this](const std::string& key) { changed(key); });
  // A pod's status is not all: a start that fails, and an end that another start follows, are events.
  services_.events.listen([this](const Event& event) {
    if (!event.pod.starts_with(std::string(kNamespace) + "/")) return;
    asio::post(services_.loop, alive_.guard([this, key = event.pod] { changed(key); }));
  });
  return {};
}

void Containers::begin() {
  std::vector<std::string> ids;
  for (const auto& [id, record] : records_) ids.push_back(id);
  for (const auto& id : ids) {
    // Recorded, and its pod was not made; or its pod is gone, and the record was not removed.
    if (pod(records_.at(id)) == nullptr) {
      if (reconciler_.all_read()) gone(id);
      continue;
    }
    look(id);
  }
  sweep_mounts();
  layers().sweep([this](const std::string& id) { return records_.contains(id); });
}

ChildPlan Containers::plan(const PodRecord& pod) {
  const auto at = records_.find(pod.workload->uid);
  if (at == records_.end()) return {.wanted = !all_read_, .plan = {}};
  ChildPlan child{.wanted = true, .plan = {}};
  if (!pod.stopped && pod.boot_id != services_.boot_id && lacks_mounts(at->second)) return child;
  if (auto made = plan_for(at->second)) child.plan = std::move(*made);
  return child;
}

Result<config::PodPlan> Containers::plan_for(const ContainerRecord& record) {
  Surrounding around;
  around.volumes = volumes_.directory();
  around.runtime = other_runtime(record.host_config);
  find_spaces(record, around);
  return plan_of(record, around, *manifests_.desired().surroundings);
}

ContainerRecord* Containers::by_name(const std::string& name) {
  for (auto& [id, record] : records_) {
    if (record.name == name) return &record;
  }
  return nullptr;
}

tl::expected<ContainerRecord*, Refusal> Containers::find(const std::string& given) {
  const std::string word = given.starts_with('/') ? given.substr(1) : given;
  if (const auto at = records_.find(word); at != records_.end()) return &at->second;
  if (ContainerRecord* const named = by_name(word)) return named;
  const auto first = records_.lower_bound(word);
  const bool begins = !word.empty() && first != records_.end() && first->first.starts_with(word);
  if (!begins) return tl::unexpected(Refusal{404, "No such container: " + given});
  const auto second = std::next(first);
  if (second != records_.end() && second->first.starts_with(word))
    return tl::unexpected(Refusal{400, "multiple IDs found with provided prefix: " + word});
  return &first->second;
}

Container* Containers::container(const ContainerRecord& record) const {
  Pod* const own = pod(record);
  return own == nullptr || own->containers().empty() ? nullptr : own->containers().front().get();
}

State Containers::state(const ContainerRecord& record) const {
  Pod* const own = pod(record);
  if (own == nullptr || own->containers().empty()) return {};
  const bool running = own->record().containers.front().state == agent::ContainerState::kRunning;
  return state_of(own->record(), running && own->containers().front()->is_paused());
}

bool Containers::is_being_started(const ContainerRecord& record) const {
  const Pod* const own = pod(record);
  return own != nullptr && !own->containers().empty() &&
         own->record().containers.front().state == agent::ContainerState::kStarting;
}

LayerBook Containers::layers() const {
  return {services_.settings.docker(), docker_driver(services_.storage->name())};
}

// Where the link cannot be made, it leads to the attempt before; the container runs all the same.
void Containers::find_layer(const ContainerRecord& record) const {
  const auto written = runtime::storage::written_in(container(record)->slot().files().directory());
  if (written) (void)layers().point(record.id, written->upper.empty() ? written->tree : written->upper);
}

Status Containers::save(const ContainerRecord& record) {
  rows_.forget(record.id);
  return runtime::replace_file(path_of(record.id), to_json(record), 0600);
}

void Containers::watch(const std::string& id, std::function<bool()> look) {
  if (!look()) watchers_[id].push_back(std::move(look));
}

unsigned Containers::ends(const std::string& id) const {
  const auto at = seen_.find(id);
  return at == seen_.end() ? 0 : at->second.ends;
}

void Containers::call_watchers(const std::string& id) {
  const auto at = watchers_.find(id);
  if (at == watchers_.end()) return;
  // A watcher may add others.
  auto list = std::move(at->second);
  watchers_.erase(at);
  list.remove_if([](const auto& each) { return each(); });
  if (!list.empty()) watchers_[id].splice(watchers_[id].begin(), list);
}

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

void Containers::gone(const std::string& id) {
  const auto at = records_.find(id);
  if (at == records_.end()) return;
  const ContainerRecord record = at->second;
  records_.erase(at);
  release_mounts(record);
  if (seen_[id].remove_volumes) {
    for (const auto& [target, volume] : texts_of(record.config, "MeteVolumes")) {
      const bool is_shared = std::any_of(records_.begin(), records_.end(), [&, &name = volume](const auto& each) {
        return each.first != id && mounts_volume(each.second, name);
      });
      if (!is_shared && volumes_.remove(volume)) tell_volume("destroy", volume);
    }
  }
  if (::unlink(path_of(id).c_str()) != 0 && errno != ENOENT) {
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kCleanUpFailed),
                          .message = "remove " + path_of(id) + ": the record of a container that is gone stays"});
  }
  layers().remove(id);
  forget_seccomp(record);
  tell(record, "destroy");
  call_watchers(id);
  watchers_.erase(id);
  seen_.erase(id);
  rows_.forget(id);
}

}  // namespace mete::agent::docker
