// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/workloads.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "agent/base/random.h"
#include "agent/workloads/pod_view.h"
#include "agent/workloads/workload_text.h"
#include "runtime/file.h"
#include "runtime/unfinished_files.h"

namespace mete::agent {
namespace {

constexpr auto kRetryCreate = std::chrono::seconds(2);

}  // namespace

WallTime wall_now() {
  return std::chrono::system_clock::now();
}

Workloads::Workloads(Services& services, Manifests& manifests, Reconciler& reconciler)
    : services_(services), manifests_(manifests), reconciler_(reconciler), timer_(services.loop) {}

Status Workloads::open() {
  METE_CHECK(runtime::make_directories(services_.settings.workloads(), 0700));
  runtime::remove_unfinished(services_.settings.workloads());
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(services_.settings.workloads(), error)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(".json")) continue;
    const auto text = runtime::read_file(AT_FDCWD, path);
    auto record = text ? parse_workload_record(*text) : tl::unexpected(text.error());
    if (!record) {
      all_read_ = false;
      services_.events.add(
          {.severity = Severity::kWarning,
           .reason = name_of(Reason::kRecordUnreadable),
           .message = path + ": " + record.error().what + "; no workload is made until the next start"});
      continue;
    }
    adopt_record(std::move(*record));
  }
  if (error) return fail(services_.settings.workloads() + ": " + error.message());
  remove_orphans();
  reconciler_.on_child([this](const PodRecord& record) { return plan_of(record); });
  reconciler_.on_changed([this](const std::string& key) { pod_changed(key); });
  take_manifests();
  return {};
}

void Workloads::adopt_record(WorkloadRecord record) {
  WorkloadObject& object = add(std::move(record));
  read_effective(object, object.record.source);
}

// What an agent had begun to make for a workload that is gone since.
void Workloads::remove_orphans() {
  if (!all_read_) return;
  for (const auto& [uid, object] : objects_) {
    if (object->record.is_owned() && !objects_.contains(object->record.owner.uid)) remove(*object, std::nullopt);
  }
}

WorkloadObject& Workloads::add(WorkloadRecord record) {
  const std::string uid = record.uid;
  auto& object = objects_[uid];
  object = std::make_unique<WorkloadObject>();
  object->record = std::move(record);
  dirty(uid);
  return *object;
}

WorkloadObject* Workloads::find(config::WorkloadKind kind, std::string_view key) const {
  for (const auto& [uid, object] : objects_) {
    if (object->record.kind == kind && object->record.key() == key) return object.get();
  }
  return nullptr;
}

int Workloads::replicas_of(const WorkloadObject& object) const {
  const auto& record = object.record;
  if (record.kind == config::WorkloadKind::kReplicaSet && record.is_owned()) return record.wanted;
  if (record.overrides.replicas) return *record.overrides.replicas;
  if (!object.workload) return 0;
  if (const auto* spec = std::get_if<config::DeploymentSpec>(&object.workload->spec)) return spec->replicas.value_or(1);
  if (const auto* spec = std::get_if<config::ReplicaSetSpec>(&object.workload->spec)) return spec->replicas.value_or(1);
  if (const auto* spec = std::get_if<config::ReplicationControllerSpec>(&object.workload->spec))
    return spec->replicas.value_or(1);
  if (const auto* spec = std::get_if<config::StatefulSetSpec>(&object.workload->spec))
    return spec->replicas.value_or(1);
  return 0;
}

bool Workloads::is_paused(const WorkloadObject& object) const {
  if (object.record.overrides.paused) return *object.record.overrides.paused;
  const auto* spec = object.workload ? std::get_if<config::DeploymentSpec>(&object.workload->spec) : nullptr;
  return spec != nullptr && spec->paused.value_or(false);
}

std::vector<Child> Workloads::children(const WorkloadObject& object) const {
  std::vector<Child> children;
  for (const auto& [key, pod] : reconciler_.pods()) {
    if (pod->record().workload->uid == object.record.uid) children.push_back(child_of(*pod));
  }
  return children;
}

std::vector<WorkloadObject*> Workloads::owned(const WorkloadObject& object) const {
  std::vector<WorkloadObject*> list;
  for (const auto& [uid, each] : objects_) {
    if (each->record.owner.uid == object.record.uid) list.push_back(each.get());
  }
  return list;
}

std::string Workloads::path_of(const WorkloadRecord& record) const {
  return services_.settings.workloads() + "/" + record.uid + ".json";
}

bool Workloads::save(WorkloadObject& object) {
  const auto saved = runtime::replace_file(path_of(object.record), to_json(object.record), 0600);
  if (!saved) complain_once(object, saved.error().what);
  return saved.has_value();
}

void Workloads::dirty(const std::string& uid) {
  if (!dirty_.insert(uid).second) return;
  services_.turns.add(alive_.guard([this, uid] {
    dirty_.erase(uid);
    step(uid);
  }));
}

void Workloads::pod_changed(const std::string& key) {
  if (const Pod* const pod = reconciler_.find(key)) {
    if (!pod->record().is_child()) return;
    workload_of_[key] = pod->record().workload->uid;
    return dirty(pod->record().workload->uid);
  }
  const auto gone = workload_of_.find(key);
  if (gone == workload_of_.end()) return;
  dirty(gone->second);
  workload_of_.erase(gone);
}

void Workloads::step(const std::string& uid) {
  const auto at = objects_.find(uid);
  if (at == objects_.end()) return;
  WorkloadObject& object = *at->second;
  due_.erase(uid);
  if (object.record.deleting) return finish_removal(object);
  const std::int64_t generation = object.record.generation;
  if (object.workload && !object.record.expired) step_kind(object);
  object.observed = generation;
  arm();
}

void Workloads::step_kind(WorkloadObject& object) {
  switch (object.record.kind) {
    case config::WorkloadKind::kDeployment:
      return step_deployment(object);
    case config::WorkloadKind::kReplicaSet:
    case config::WorkloadKind::kReplicationController:
      return step_replica_set(object);
    case config::WorkloadKind::kStatefulSet:
    case config::WorkloadKind::kDaemonSet:
      return step_set(object);
    case config::WorkloadKind::kJob:
      return step_job(object);
    case config::WorkloadKind::kCronJob:
      return step_cron_job(object);
  }
}

void Workloads::look_again(const WorkloadObject& object, std::optional<WallTime> at) {
  if (!at) return;
  const auto known = due_.find(object.record.uid);
  if (known == due_.end() || *at < known->second) due_[object.record.uid] = *at;
}

// The wall clock can be set while the timer runs: it is looked at every few seconds.
void Workloads::arm() {
  if (due_.empty()) return;
  constexpr auto kLongest = std::chrono::seconds(10);
  const auto next =
      std::min_element(due_.begin(), due_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto wait =
      std::clamp<std::chrono::nanoseconds>(next->second - wall_now(), std::chrono::milliseconds(1), kLongest);
  timer_.expires_after(wait);
  timer_.async_wait(alive_.guard([this] {
    const WallTime now = wall_now();
    for (const auto& [uid, at] : due_) {
      if (at <= now) dirty(uid);
    }
    std::erase_if(due_, [now](const auto& each) { return each.second <= now; });
    arm();
  }));
}

void Workloads::report(const WorkloadObject& object, Reason reason, std::string message) {
  const auto type = event_reasons()[static_cast<std::size_t>(reason)].type;
  services_.events.add({.severity = type == EventReason::Type::kNormal ? Severity::kNormal : Severity::kWarning,
                        .reason = name_of(reason),
                        .message = object.record.shown() + ": " + std::move(message),
                        .fields = {{"object", object.record.shown()}}});
}

void Workloads::complain_once(WorkloadObject& object, const std::string& message) {
  if (object.told == message) return;
  object.told = message;
  report(object, Reason::kFailedCreate, message);
}

ChildPlan Workloads::plan_of(const PodRecord& record) {
  const auto at = objects_.find(record.workload->uid);
  // It may be one of the workload whose record could not be read.
  if (at == objects_.end()) return {.wanted = !all_read_, .plan = {}};
  if (at->second->record.deleting) return {};
  ChildPlan child{.wanted = true, .plan = {}};
  const config::Workload* workload = template_for(*at->second, record.workload->revision);
  if (workload == nullptr) return child;
  auto plan = config::plan_pod(child_pod(*workload, record.name, *record.workload), *manifests_.desired().surroundings);
  if (plan) child.plan = std::move(*plan);
  return child;
}

bool Workloads::create_pod(WorkloadObject& object, const std::string& name, PodWorkload owner) {
  owner.kind = to_string(object.record.kind);
  owner.name = object.record.name;
  owner.uid = object.record.uid;
  const auto failed = [&](const std::string& why) {
    complain_once(object, "Pod " + name + ": " + why);
    look_again(object, wall_now() + kRetryCreate);
    return false;
  };
  const config::Workload* workload = template_for(object, owner.revision);
  if (workload == nullptr) return failed("its template cannot be read");
  auto plan = config::plan_pod(child_pod(*workload, name, owner), *manifests_.desired().surroundings);
  if (!plan) return failed(config::to_string(plan.error().front()));
  if (const auto made = reconciler_.create_child(std::move(*plan), std::move(owner)); !made)
    return failed(made.error().what);
  object.told.clear();
  return true;
}

void Workloads::remove_pod(const WorkloadObject& object, const std::string& name) {
  if (Pod* const pod = reconciler_.find(object.record.namespace_ + "/" + name)) pod->terminate();
}

void Workloads::remove(WorkloadObject& object, std::optional<std::chrono::seconds> grace) {
  if (!object.record.deleting) {
    object.record.deleting = true;
    object.record.deleted = wall_now();
    save(object);
  }
  for (WorkloadObject* each : owned(object)) remove(*each, grace);
  for (const auto& [key, pod] : reconciler_.pods()) {
    if (pod->record().workload->uid == object.record.uid) pod->terminate(grace);
  }
  dirty(object.record.uid);
}

void Workloads::finish_removal(WorkloadObject& object) {
  const auto left = owned(object);
  for (WorkloadObject* each : left) {
    if (!each->record.deleting) remove(*each, std::nullopt);
  }
  bool pods = false;
  for (const auto& [key, pod] : reconciler_.pods()) {
    if (pod->record().workload->uid != object.record.uid) continue;
    pods = true;
    if (!pod->record().terminating) pod->terminate();
  }
  if (pods || !left.empty()) return;
  const auto* stateful = object.workload ? std::get_if<config::StatefulSetSpec>(&object.workload->spec) : nullptr;
  if (stateful != nullptr && stateful->delete_claims_with_set) remove_claims(object, *stateful, 0, 0);
  const std::string path = path_of(object.record);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    complain_once(object, "remove " + path + ": " + std::strerror(errno));
    look_again(object, wall_now() + kRetryCreate);
    return arm();
  }
  const std::string owner = object.record.owner.uid;
  due_.erase(object.record.uid);
  objects_.erase(object.record.uid);
  if (!owner.empty()) return dirty(owner);
  take_manifests();  // there may be a new one of its name
}

}  // namespace mete::agent
