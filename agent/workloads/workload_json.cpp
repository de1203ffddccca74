// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/workload_json.h"

#include <algorithm>

#include "agent/workloads/deployment_status.h"
#include "agent/workloads/job_conditions.h"
#include "agent/workloads/job_indexes.h"
#include "agent/workloads/workload_text.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

ordered_json parsed_object(const std::string& text) {
  ordered_json value = ordered_json::parse(text, nullptr, false);
  return value.is_object() ? value : ordered_json::object();
}

ordered_json condition_json(const DeploymentCondition& condition) {
  ordered_json value = {{"type", condition.type}, {"status", condition.status}};
  // Records of 0.1 have no times.
  if (condition.updated != WallTime()) value["lastUpdateTime"] = rfc3339(condition.updated);
  if (condition.since != WallTime()) value["lastTransitionTime"] = rfc3339(condition.since);
  value["reason"] = condition.reason;
  value["message"] = condition.message;
  return value;
}

ordered_json metadata_json(const WorkloadRecord& record, ordered_json metadata) {
  if (!metadata.is_object()) metadata = ordered_json::object();
  metadata["name"] = record.name;
  metadata["namespace"] = record.namespace_;
  metadata["uid"] = record.uid;
  metadata["creationTimestamp"] = rfc3339(record.created);
  metadata["generation"] = record.generation;
  if (record.deleting)
    metadata["deletionTimestamp"] = rfc3339(record.deleted != WallTime() ? record.deleted : wall_now());
  if (record.is_owned()) {
    const auto kind = config::workload_kind(record.owner.kind).value_or(config::WorkloadKind::kDeployment);
    metadata["ownerReferences"] = {{{"apiVersion", config::api_version(kind)},
                                    {"kind", record.owner.kind},
                                    {"name", record.owner.name},
                                    {"uid", record.owner.uid},
                                    {"controller", true},
                                    {"blockOwnerDeletion", true}}};
  }
  return metadata;
}

class StatusWriter {
 public:
  StatusWriter(const Workloads& workloads, const WorkloadObject& object) : workloads_(workloads), object_(object) {}

  void write(ordered_json& value) {
    value["status"] = ordered_json::object();
    if (!object_.workload) return;
    std::visit([&](const auto& spec) { of(spec, value); }, object_.workload->spec);
  }

 private:
  [[nodiscard]] PodCounts counts(const WorkloadObject& object, int min_ready) const {
    std::optional<WallTime> unused;
    return count(workloads_.children(object), std::chrono::seconds(min_ready), wall_now(), unused);
  }

  void of(const config::DeploymentSpec& /*spec*/, ordered_json& value) const {
    const auto& record = object_.record;
    std::optional<WallTime> unused;
    const auto numbers = numbers_of(workloads_.set_facts(object_, unused));
    value["spec"]["replicas"] = workloads_.replicas_of(object_);
    if (workloads_.is_paused(object_)) value["spec"]["paused"] = true;
    value["metadata"]["annotations"][kRevisionAnnotation] = std::to_string(numbers.revision);
    auto& status = value["status"];
    status = {{"observedGeneration", object_.observed}, {"replicas", numbers.replicas},
              {"updatedReplicas", numbers.updated},     {"readyReplicas", numbers.ready},
              {"availableReplicas", numbers.available}, {"unavailableReplicas", numbers.unavailable},
              {"conditions", ordered_json::array()}};
    const WorkloadObject* const current = workloads_.current_set(object_);
    for (const auto& each : conditions_of(record.progress, record.name, current != nullptr ? current->record.name : ""))
      status["conditions"].push_back(condition_json(each));
  }

  void of(const config::ReplicaSetSpec& spec, ordered_json& value) const {
    const auto pods = counts(object_, spec.min_ready_seconds);
    value["spec"]["replicas"] = workloads_.replicas_of(object_);
    if (object_.record.is_owned())
      value["metadata"]["annotations"][kRevisionAnnotation] = std::to_string(object_.record.revision);
    value["status"] = {{"observedGeneration", object_.observed},
                       {"replicas", pods.replicas},
                       {"fullyLabeledReplicas", pods.replicas},
                       {"readyReplicas", pods.ready},
                       {"availableReplicas", pods.available}};
  }

  void of(const config::StatefulSetSpec& spec, ordered_json& value) const {
    const auto pods = counts(object_, spec.min_ready_seconds);
    value["spec"]["replicas"] = workloads_.replicas_of(object_);
    const auto& record = object_.record;
    const std::string update = record.revisions.empty() ? std::string() : record.revisions.back().name;
    int updated = 0;
    int current = 0;
    for (const auto& child : workloads_.children(object_)) {
      if (!is_active(child)) continue;
      updated += child.revision == update ? 1 : 0;
      current += child.revision == record.current_revision ? 1 : 0;
    }
    value["status"] = {
        {"observedGeneration", object_.observed},     {"replicas", pods.replicas},  {"readyReplicas", pods.ready},
        {"availableReplicas", pods.available},        {"currentReplicas", current}, {"updatedReplicas", updated},
        {"currentRevision", record.current_revision}, {"updateRevision", update}};
  }

  void of(const config::DaemonSetSpec& spec, ordered_json& value) const {
    const auto pods = counts(object_, spec.min_ready_seconds);
    const auto& record = object_.record;
    const std::string update = record.revisions.empty() ? std::string() : record.revisions.back().name;
    int updated = 0;
    for (const auto& child : workloads_.children(object_))
      updated += is_active(child) && child.revision == update ? 1 : 0;
    value["status"] = {{"observedGeneration", object_.observed},
                       {"desiredNumberScheduled", 1},
                       {"currentNumberScheduled", std::min(1, pods.replicas)},
                       {"updatedNumberScheduled", std::min(1, updated)},
                       {"numberReady", std::min(1, pods.ready)},
                       {"numberAvailable", std::min(1, pods.available)},
                       {"numberUnavailable", pods.available > 0 ? 0 : 1},
                       {"numberMisscheduled", 0}};
  }

  void of(const config::JobSpec& spec, ordered_json& value) const {
    const auto& job = object_.record.job;
    const auto pods = counts(object_, 0);
    if (!value["spec"].contains("parallelism")) value["spec"]["parallelism"] = 1;
    // Whatever a manifest that was read from a cluster says: that is the uid of the Job there.
    if (!value["spec"].value("manualSelector", false))
      value["spec"]["selector"] = {{"matchLabels", {{"batch.kubernetes.io/controller-uid", object_.record.uid}}}};
    if (spec.completions) value["spec"]["completions"] = *spec.completions;
    auto& status = value["status"];
    if (job.started != WallTime()) status["startTime"] = rfc3339(job.started);
    if (job.end == JobEnd::kComplete) status["completionTime"] = rfc3339(job.ended);
    if (pods.replicas > 0) status["active"] = pods.replicas;
    status["ready"] = pods.ready;
    if (pods.terminating > 0) status["terminating"] = pods.terminating;
    if (job.succeeded > 0) status["succeeded"] = job.succeeded;
    if (job.failed > 0) status["failed"] = job.failed;
    if (!job.completed.empty()) status["completedIndexes"] = ranges_text(job.completed);
    if (!job.failed_indexes.empty()) status["failedIndexes"] = ranges_text(job.failed_indexes);
    ordered_json conditions = ordered_json::array();
    for (const auto& each : conditions_of(job)) conditions.push_back(condition_json(each));
    if (!conditions.empty()) status["conditions"] = std::move(conditions);
  }

  void of(const config::CronJobSpec& /*spec*/, ordered_json& value) const {
    const auto& cron = object_.record.cron;
    auto& status = value["status"];
    if (cron.last_schedule != WallTime()) status["lastScheduleTime"] = rfc3339(cron.last_schedule);
    if (cron.last_success != WallTime()) status["lastSuccessfulTime"] = rfc3339(cron.last_success);
    if (object_.next != WallTime()) status["nextScheduleTime"] = rfc3339(object_.next);
    for (const WorkloadObject* job : workloads_.owned(object_)) {
      if (job->record.job.end != JobEnd::kNone) continue;
      status["active"].push_back({{"apiVersion", "batch/v1"},
                                  {"kind", "Job"},
                                  {"name", job->record.name},
                                  {"namespace", job->record.namespace_},
                                  {"uid", job->record.uid}});
    }
  }

  const Workloads& workloads_;
  const WorkloadObject& object_;
};

}  // namespace

ordered_json condition_json(const PodCondition& condition) {
  ordered_json value = {{"type", condition.type}, {"status", condition.holds ? "True" : "False"}};
  if (condition.since != WallTime()) value["lastTransitionTime"] = rfc3339(condition.since);
  if (!condition.reason.empty()) value["reason"] = condition.reason;
  if (!condition.message.empty()) value["message"] = condition.message;
  return value;
}

ordered_json workload_json(const Workloads& workloads, const WorkloadObject& object) {
  const ordered_json from = parsed_object(object.text);
  ordered_json value;
  value["apiVersion"] = config::api_version(object.record.kind);
  value["kind"] = config::to_string(object.record.kind);
  value["metadata"] = metadata_json(object.record, from.value("metadata", ordered_json::object()));
  value["spec"] = from.value("spec", ordered_json::object());
  StatusWriter(workloads, object).write(value);
  return value;
}

}  // namespace mete::agent
