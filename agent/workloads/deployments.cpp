// SPDX-License-Identifier: Apache-2.0
// The steps of Deployments and ReplicaSets.
#include <algorithm>

#include "agent/base/random.h"
#include "agent/workloads/replica_plan.h"
#include "agent/workloads/workload_text.h"
#include "agent/workloads/workloads.h"

namespace mete::agent {
namespace {

// Pods made or ended in one turn of the loop.
constexpr int kAtOnce = 4;

}  // namespace

// The newest nearly always is it: of the others no template is compared.
const WorkloadObject* Workloads::current_set(const WorkloadObject& deployment) const {
  auto sets = owned(deployment);
  std::sort(sets.begin(), sets.end(),
            [](const WorkloadObject* a, const WorkloadObject* b) { return a->record.revision > b->record.revision; });
  for (const WorkloadObject* set : sets) {
    if (set->record.deleting || !set->workload || !deployment.workload) continue;
    config::PodTemplate own = config::template_of(*set->workload);
    own.metadata.labels.erase(kTemplateHash);
    if (own == config::template_of(*deployment.workload)) return set;
  }
  return nullptr;
}

std::vector<SetFacts> Workloads::set_facts(const WorkloadObject& deployment,
                                           std::optional<WallTime>& available_at) const {
  const auto& spec = std::get<config::DeploymentSpec>(deployment.workload->spec);
  const WorkloadObject* const current = current_set(deployment);
  const WallTime now = wall_now();
  std::vector<SetFacts> facts;
  for (const WorkloadObject* each : owned(deployment)) {
    const auto& record = each->record;
    if (record.deleting) continue;
    facts.push_back({record.name, each == current, record.revision, record.wanted, record.sized_for,
                     record.sized_within, record.created,
                     count(children(*each), std::chrono::seconds(spec.min_ready_seconds), now, available_at)});
  }
  return facts;
}

void Workloads::step_deployment(WorkloadObject& object) {
  const auto& spec = std::get<config::DeploymentSpec>(object.workload->spec);
  std::optional<WallTime> available_at;
  std::map<std::string, WorkloadObject*> sets;
  for (WorkloadObject* each : owned(object)) sets[each->record.name] = each;
  const auto plan = plan_deployment(
      {spec, replicas_of(object), is_paused(object), set_facts(object, available_at), object.record.progress},
      wall_now());
  if (plan.progress != object.record.progress) {
    const Progress before = std::exchange(object.record.progress, plan.progress);
    const bool told = plan.progress.reason != before.reason;
    if (told && plan.progress.reason == kRolloutTooLate)
      report(object, Reason::kProgressDeadlineExceeded,
             "no progress for " + std::to_string(spec.progress_deadline_seconds) + " s");
    // The numbers alone are worth no write: they are counted again.
    if (told || plan.progress.enough != before.enough) save(object);
  }
  for (const auto& set : plan.sets) {
    if (set.name.empty()) {
      make_set(object, set);
    } else {
      size_set(object, *sets.at(set.name), set);
    }
  }
  for (const auto& name : plan.remove) remove(*sets.at(name), std::nullopt);
  look_again(object, available_at);
  look_again(object, plan.look_again);
}

void Workloads::size_set(WorkloadObject& deployment, WorkloadObject& set, const SetFacts& to) {
  auto& record = set.record;
  if (record.wanted == to.wanted && record.revision == to.number && record.sized_for == to.sized_for &&
      record.sized_within == to.sized_within) {
    return;
  }
  if (record.wanted != to.wanted) {
    report(deployment, Reason::kScalingReplicaSet,
           std::string("Scaled ") + (record.wanted < to.wanted ? "up" : "down") + " replica set " + record.name +
               " from " + std::to_string(record.wanted) + " to " + std::to_string(to.wanted));
  }
  record.wanted = to.wanted;
  record.revision = to.number;
  record.sized_for = to.sized_for;
  record.sized_within = to.sized_within;
  save(set);
  dirty(record.uid);
  dirty(deployment.record.uid);
}

void Workloads::make_set(WorkloadObject& deployment, const SetFacts& to) {
  const auto& owner = deployment.record;
  std::string hash;
  std::string name;
  const std::string content = template_text(deployment.text);
  for (int collisions = owner.collisions;; ++collisions) {
    hash = hash_of(content, collisions);
    name = owner.name + "-" + hash;
    if (find(config::WorkloadKind::kReplicaSet, owner.namespace_ + "/" + name) == nullptr) break;
  }
  WorkloadRecord record;
  record.kind = config::WorkloadKind::kReplicaSet;
  record.namespace_ = owner.namespace_;
  record.name = name;
  record.uid = new_uid();
  record.owner = {std::string(config::to_string(owner.kind)), owner.name, owner.uid, {}, -1};
  record.source = owner.source;
  record.text = replica_set_text(deployment.text, name, hash);
  record.created = to.created;
  record.revision = to.number;
  record.wanted = to.wanted;
  record.sized_for = to.sized_for;
  record.sized_within = to.sized_within;
  WorkloadObject& set = add(std::move(record));
  read_effective(set, owner.source);
  if (!save(set)) {
    objects_.erase(set.record.uid);
    return;
  }
  report(deployment, Reason::kScalingReplicaSet,
         "Scaled up replica set " + name + " from 0 to " + std::to_string(to.wanted));
  dirty(owner.uid);
}

void Workloads::step_replica_set(WorkloadObject& object) {
  const auto& record = object.record;
  const auto plan = plan_replicas(replicas_of(object), children(object));
  int done = 0;
  for (; done < std::min(plan.create, kAtOnce); ++done) {
    const std::string name = generated_name(record.name + "-", random_suffix());
    if (!create_pod(object, name, {})) return;
  }
  for (const auto& name : plan.remove) remove_pod(object, name);
  if (plan.create > done) dirty(record.uid);
  if (record.is_owned()) dirty(record.owner.uid);
}

}  // namespace mete::agent
