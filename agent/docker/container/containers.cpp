// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/containers.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "agent/docker/container/of_others.h"
#include "agent/docker/container/start_errors.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/create/storage_opt.h"
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

Pod* Containers::plan_anew(const ContainerRecord& record) {
  auto plan = plan_for(record);
  Pod* const own = pod(record);
  if (!plan || own == nullptr) return nullptr;
  own->set_plan(std::make_shared<const config::PodPlan>(std::move(*plan)));
  return own;
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

void Containers::gone(const std::string& id) {
  const auto at = records_.find(id);
  if (at == records_.end()) return;
  const ContainerRecord record = at->second;
  records_.erase(at);
  release_mounts(record);
  for (const auto& [other, each] : records_) {
    if (text_of(each.host_config, "NetworkMode") == std::string(kOfAnother) + id) plan_anew(each);
  }
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
