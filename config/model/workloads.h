// SPDX-License-Identifier: Apache-2.0
// The kinds that make Pods: Deployment, ReplicaSet, ReplicationController, StatefulSet, DaemonSet, Job and CronJob, as
// far as mete acts on them. Plain data with Kubernetes' defaults (apps/v1, batch/v1). What carries them out is
// agent/workloads.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "config/base/location.h"
#include "config/model/objects.h"
#include "config/model/pod_spec.h"
#include "config/model/policy.h"

namespace mete::config {

// The Pod that a workload makes: its name is empty, its namespace is the workload's.
using PodTemplate = Pod;

// A number of pods, or a share of them in percent.
struct CountOrPercent {
  int value = 0;
  bool percent = false;
  bool operator==(const CountOrPercent&) const = default;
};

enum class UpdateStrategy { kRollingUpdate, kRecreate, kOnDelete };

struct RollingUpdate {
  CountOrPercent max_surge{25, true};
  CountOrPercent max_unavailable{25, true};
  int partition = 0;  // StatefulSet: pods with a lower ordinal stay as they are
  bool operator==(const RollingUpdate&) const = default;
};

struct DeploymentSpec {
  std::optional<int> replicas;                               // empty: 1, or what `mete scale` has said
  UpdateStrategy strategy = UpdateStrategy::kRollingUpdate;  // or kRecreate
  RollingUpdate rolling;
  int min_ready_seconds = 0;
  int progress_deadline_seconds = 600;
  int revision_history_limit = 10;
  std::optional<bool> paused;
  PodTemplate pod;
  bool operator==(const DeploymentSpec&) const = default;
};

struct ReplicaSetSpec {
  std::optional<int> replicas;
  int min_ready_seconds = 0;
  PodTemplate pod;
  bool operator==(const ReplicaSetSpec&) const = default;
};

// What a ReplicaSet was before it had expressions in its selector.
struct ReplicationControllerSpec : ReplicaSetSpec {
  bool operator==(const ReplicationControllerSpec&) const = default;
};

struct StatefulSetSpec {
  std::optional<int> replicas;
  int first_ordinal = 0;                                     // ordinals.start
  bool parallel = false;                                     // podManagementPolicy: Parallel
  UpdateStrategy strategy = UpdateStrategy::kRollingUpdate;  // or kOnDelete
  RollingUpdate rolling{.max_surge = {0, false}, .max_unavailable = {1, false}};
  int min_ready_seconds = 0;
  int revision_history_limit = 10;
  std::string service_name;             // the pods' subdomain
  std::vector<std::string> claims;      // names of volumeClaimTemplates
  bool delete_claims_with_set = false;  // persistentVolumeClaimRetentionPolicy.whenDeleted: Delete
  bool delete_claims_on_scale = false;  // whenScaled: Delete
  PodTemplate pod;
  bool operator==(const StatefulSetSpec&) const = default;
};

struct DaemonSetSpec {
  UpdateStrategy strategy = UpdateStrategy::kRollingUpdate;  // or kOnDelete
  RollingUpdate rolling{.max_surge = {0, false}, .max_unavailable = {1, false}};
  int min_ready_seconds = 0;
  int revision_history_limit = 10;
  PodTemplate pod;
  bool operator==(const DaemonSetSpec&) const = default;
};

enum class FailureAction { kFailJob, kIgnore, kCount, kFailIndex };

// A rule of podFailurePolicy: by exit codes, or by conditions of the pod.
struct FailureRule {
  FailureAction action = FailureAction::kCount;
  std::string container;    // empty: any
  bool exit_codes = false;  // false: by `conditions`
  bool not_in = false;      // operator NotIn; an exit code of 0 never matches
  std::set<int> values;
  std::vector<std::string> conditions;  // types whose status is True
  bool operator==(const FailureRule&) const = default;
};

// A rule of successPolicy. The Job has succeeded when as many of these indexes have succeeded as the rule says.
struct SuccessRule {
  std::optional<std::set<int>> indexes;  // empty: all indexes
  std::optional<int> count;              // empty: all of them
  bool operator==(const SuccessRule&) const = default;
};

struct JobSpec {
  std::optional<int> completions;  // empty: the first pod that succeeds is enough, no other is started after it
  std::optional<int> parallelism;  // empty: 1
  int backoff_limit = 6;
  std::optional<int> backoff_limit_per_index;
  std::optional<int> max_failed_indexes;
  bool indexed = false;
  std::optional<std::int64_t> active_deadline_seconds;
  std::optional<int> ttl_seconds_after_finished;
  bool suspend = false;
  bool replace_failed_only = false;  // podReplacementPolicy: Failed
  std::vector<FailureRule> failure_rules;
  std::vector<SuccessRule> success_rules;  // one that is met is enough
  PodTemplate pod;
  bool operator==(const JobSpec&) const = default;
};

enum class ConcurrencyPolicy { kAllow, kForbid, kReplace };

struct CronJobSpec {
  std::string schedule;   // cron_schedule.h
  std::string time_zone;  // empty: the agent's own
  ConcurrencyPolicy concurrency = ConcurrencyPolicy::kAllow;
  std::optional<std::int64_t> starting_deadline_seconds;
  bool suspend = false;
  int successful_limit = 3;  // finished Jobs that are kept
  int failed_limit = 1;
  std::map<std::string, std::string> job_labels;  // of the Jobs that it makes
  std::map<std::string, std::string> job_annotations;
  JobSpec job;
  bool operator==(const CronJobSpec&) const = default;
};

// In the order of Workload::spec.
enum class WorkloadKind { kDeployment, kReplicaSet, kStatefulSet, kDaemonSet, kJob, kCronJob, kReplicationController };

struct Workload {
  ObjectMeta metadata;
  std::variant<DeploymentSpec, ReplicaSetSpec, StatefulSetSpec, DaemonSetSpec, JobSpec, CronJobSpec,
               ReplicationControllerSpec>
      spec;
  std::string text;  // the whole object as JSON, for what is made from it: revisions, Jobs, `mete get -o yaml`
  Location location;
  bool operator==(const Workload&) const = default;

  [[nodiscard]] WorkloadKind kind() const { return static_cast<WorkloadKind>(spec.index()); }
};

[[nodiscard]] std::string_view to_string(WorkloadKind kind);  // "Deployment"
[[nodiscard]] std::optional<WorkloadKind> workload_kind(std::string_view name);
[[nodiscard]] std::string_view api_version(WorkloadKind kind);  // "apps/v1"
// The template of its pods; a CronJob's is that of its Jobs' pods.
[[nodiscard]] const PodTemplate& template_of(const Workload& workload);
[[nodiscard]] PodTemplate& template_of(Workload& workload);

}  // namespace mete::config
