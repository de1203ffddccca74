// SPDX-License-Identifier: Apache-2.0
// What commands say over a manifest: scale, pause, restart, undo.
#include <algorithm>

#include "agent/workloads/overrides.h"
#include "agent/workloads/workload_text.h"
#include "agent/workloads/workloads.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using nlohmann::json;

// Without the label that only a ReplicaSet's template has.
std::string without_hash(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return text;
  value["metadata"]["labels"].erase(kTemplateHash);
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

tl::unexpected<Error> refuse(const WorkloadObject& object, const std::string& expected) {
  return fail(std::string(to_string(object.record.kind)) + " " + object.record.key() + ": " + expected);
}

}  // namespace

std::vector<Workloads::Revision> Workloads::revisions(const WorkloadObject& object) const {
  std::vector<Revision> list;
  if (object.record.kind == config::WorkloadKind::kDeployment) {
    for (const WorkloadObject* set : owned(object)) {
      if (set->record.deleting) continue;
      list.push_back({set->record.name, set->record.revision, without_hash(template_text(set->text)),
                      set->workload ? set->workload->metadata.annotations : std::map<std::string, std::string>()});
    }
  } else {
    for (const auto& each : object.record.revisions) list.push_back({each.name, each.number, each.text});
  }
  std::sort(list.begin(), list.end(), [](const Revision& a, const Revision& b) { return a.number < b.number; });
  return list;
}

std::string Workloads::template_of_revision(const WorkloadObject& object, const std::string& revision) const {
  for (const auto& each : object.record.revisions) {
    if (each.name == revision) return each.text;
  }
  return template_text(object.text);
}

Status Workloads::scale(WorkloadObject& object, int replicas) {
  const auto& record = object.record;
  using Kind = config::WorkloadKind;
  if (record.kind != Kind::kDeployment && record.kind != Kind::kReplicaSet &&
      record.kind != Kind::kReplicationController && record.kind != Kind::kStatefulSet) {
    return refuse(
        object,
        "found a kind without replicas, expected a Deployment, ReplicaSet, ReplicationController or StatefulSet");
  }
  if (record.is_owned())
    return refuse(object, "its " + record.owner.kind + " " + record.owner.name + " says how many pods it has");
  Overrides next = record.overrides;
  next.replicas = replicas;
  return take_overrides(object, std::move(next));
}

Status Workloads::pause(WorkloadObject& object, bool paused) {
  if (object.record.kind != config::WorkloadKind::kDeployment)
    return refuse(object, "found a kind that cannot be paused, expected a Deployment");
  if (is_paused(object) == paused) return refuse(object, paused ? "is paused already" : "is not paused");
  Overrides next = object.record.overrides;
  next.paused = paused;
  return take_overrides(object, std::move(next));
}

Status Workloads::restart(WorkloadObject& object) {
  using Kind = config::WorkloadKind;
  const Kind kind = object.record.kind;
  if (kind != Kind::kDeployment && kind != Kind::kStatefulSet && kind != Kind::kDaemonSet)
    return refuse(object, "found a kind without rollouts, expected a Deployment, StatefulSet or DaemonSet");
  if (is_paused(object)) return refuse(object, "is paused; resume it first");
  // Two restarts within a second are two all the same.
  std::string stamp = rfc3339(wall_now());
  if (stamp == object.record.overrides.restarted_at) stamp = rfc3339(wall_now() + std::chrono::seconds(1));
  Overrides next = object.record.overrides;
  next.restarted_at = stamp;
  return take_overrides(object, std::move(next));
}

Result<std::string> Workloads::undo(WorkloadObject& object, std::int64_t revision) {
  using Kind = config::WorkloadKind;
  const Kind kind = object.record.kind;
  if (kind != Kind::kDeployment && kind != Kind::kStatefulSet && kind != Kind::kDaemonSet)
    return refuse(object, "found a kind without rollouts, expected a Deployment, StatefulSet or DaemonSet");
  if (is_paused(object)) return refuse(object, "is paused; resume it first");
  const auto all = revisions(object);
  const Revision* to = nullptr;
  if (revision == 0) {
    if (all.size() > 1) to = &all[all.size() - 2];
  } else {
    const auto at = std::find_if(all.begin(), all.end(), [&](const Revision& each) { return each.number == revision; });
    if (at != all.end()) to = &*at;
  }
  if (to == nullptr) {
    return refuse(object, revision == 0 ? std::string("no rollout history: there is no revision before this one")
                                        : "found no revision " + std::to_string(revision) +
                                              ", expected one that `mete rollout history` lists");
  }
  if (!all.empty() && to->number == all.back().number)
    return "skipped rollback (current template already matches revision " + std::to_string(to->number) + ")";
  Overrides next = object.record.overrides;
  next.template_text = to->text;
  next.restarted_at.clear();  // the old template has its own
  METE_CHECK(take_overrides(object, std::move(next)));
  return std::string("rolled back");
}

// A failed write changes nothing.
Status Workloads::take_overrides(WorkloadObject& object, Overrides next) {
  std::swap(object.record.overrides, next);
  ++object.record.generation;
  if (!save(object)) {
    object.record.overrides = std::move(next);
    --object.record.generation;
    return refuse(object, "its record could not be written; nothing was changed");
  }
  read_effective(object, object.record.source);
  dirty(object.record.uid);
  return {};
}

void Workloads::forget_overrides(WorkloadObject& object) {
  Overrides next = apply_again(object.record.overrides, object.record.text).left;
  if (next == object.record.overrides) return;
  if (const auto taken = take_overrides(object, std::move(next)); !taken) complain_once(object, taken.error().what);
}

}  // namespace mete::agent
