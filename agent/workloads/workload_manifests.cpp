// SPDX-License-Identifier: Apache-2.0
// How the manifests' workloads are taken up: which are new, changed or gone.
#include "agent/base/random.h"
#include "agent/workloads/workload_text.h"
#include "agent/workloads/workloads.h"

namespace mete::agent {

void Workloads::take_manifests() {
  std::set<std::string> wanted;
  for (const auto& workload : manifests_.desired().workloads) {
    wanted.insert(std::string(to_string(workload.kind())) + " " + config::full_name(workload.metadata));
    take(workload);
  }
  std::vector<WorkloadObject*> gone;
  for (const auto& [uid, object] : objects_) {
    const auto& record = object->record;
    // Of a changed ConfigMap or policy the pods are told by the reconciler; what could not be made may be made now.
    dirty(uid);
    if (record.is_owned() || record.deleting || wanted.contains(record.shown())) continue;
    if (!manifests_.undecided(record.source, "")) gone.push_back(object.get());
  }
  for (WorkloadObject* object : gone) remove(*object, std::nullopt);
}

void Workloads::take(const config::Workload& manifest) {
  for (const auto& [uid, object] : objects_) {
    const auto& record = object->record;
    if (record.is_owned() || record.kind != manifest.kind() || record.key() != config::full_name(manifest.metadata))
      continue;
    if (record.deleting) return;  // taken up when nothing is left of the one before
    return take_change(*object, manifest);
  }
  if (!all_read_) return;  // it may be the one whose record could not be read: it is not made a second time
  WorkloadRecord record;
  record.kind = manifest.kind();
  record.namespace_ = manifest.metadata.namespace_;
  record.name = manifest.metadata.name;
  record.uid = new_uid();
  record.source = manifest.location.file;
  record.text = manifest.text;
  record.created = wall_now();
  WorkloadObject& object = add(std::move(record));
  object.workload = manifest;
  object.text = manifest.text;
  if (!save(object)) objects_.erase(object.record.uid);
}

void Workloads::take_change(WorkloadObject& object, const config::Workload& manifest) {
  auto& record = object.record;
  const bool moved = record.source != manifest.location.file;
  if (record.text == manifest.text && !moved) {
    if (!object.workload) read_effective(object, record.source);
    return;
  }
  record.source = manifest.location.file;
  if (record.text != manifest.text) {
    if (record.expired) return remove(object, std::nullopt);  // the changed Job is another one
    auto& overrides = record.overrides;
    if (says_otherwise(manifest.text, record.text, "replicas")) overrides.replicas.reset();
    if (says_otherwise(manifest.text, record.text, "paused")) overrides.paused.reset();
    if (says_otherwise(manifest.text, record.text, "template")) overrides.template_text.clear();
    std::string text = manifest.text;
    if (const auto allowed = check(manifest); !allowed) {
      report(object, Reason::kJobImmutable, allowed.error().what);
      text = with_template(text, template_text(record.text));
    }
    record.text = std::move(text);
    ++record.generation;
  }
  read_effective(object, record.source);
  save(object);
  dirty(record.uid);
}

Status Workloads::check(const config::Workload& workload) const {
  if (workload.kind() != config::WorkloadKind::kJob) return {};
  const WorkloadObject* object = find(config::WorkloadKind::kJob, config::full_name(workload.metadata));
  if (object == nullptr || object->record.is_owned() || object->record.expired || !object->workload) return {};
  if (config::template_of(*object->workload) == config::template_of(workload)) return {};
  return fail(config::to_string(workload.location) + ": Job " + object->record.key() +
              ": found another template than the one that it began with, expected the same; delete it first");
}

void Workloads::read_effective(WorkloadObject& object, const std::string& source) {
  object.text = with_overrides(object.record.text, object.record.overrides);
  object.by_revision.clear();
  auto read = read_workload_text(object.text, source);
  if (read) {
    object.workload = std::move(*read);
    return;
  }
  object.workload.reset();
  complain_once(object, read.error().what);
}

}  // namespace mete::agent
