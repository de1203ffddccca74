// SPDX-License-Identifier: Apache-2.0
// What the agent must remember of a workload to go on after its own death: STATE/workloads/UID.json. Which pods there
// are stands in the pods' own records; here is what those cannot tell: revisions, ends that were counted, and what
// `mete scale` and `mete rollout` have said beyond the manifest.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/pods/record/pod_record.h"
#include "agent/workloads/deployment_plan.h"
#include "agent/workloads/job_plan.h"
#include "config/base/result.h"
#include "config/model/workloads.h"

namespace mete::agent {

// A template that a StatefulSet or DaemonSet has or had.
struct StoredRevision {
  std::string name;         // NAME-HASH
  std::int64_t number = 0;  // the highest is the present one
  std::string text;         // the template as JSON
  bool operator==(const StoredRevision&) const = default;
};

// What commands have said over the manifest. A field that the manifest changes later goes back to it.
struct Overrides {
  std::optional<int> replicas;
  std::optional<bool> paused;
  std::string template_text;  // of `rollout undo`, JSON; empty: the manifest's
  std::string restarted_at;   // of `rollout restart`; empty: never
  bool operator==(const Overrides&) const = default;
};

struct CronStatus {
  WallTime last_schedule{};  // the time that the last Job was due; zero: none yet
  WallTime last_success{};
  bool operator==(const CronStatus&) const = default;
};

struct WorkloadRecord {
  config::WorkloadKind kind = config::WorkloadKind::kDeployment;
  std::string namespace_;
  std::string name;
  std::string uid;
  PodWorkload owner;   // of a ReplicaSet its Deployment, of a Job its CronJob; empty kind: a manifest's
  std::string source;  // the manifest's file
  // The object as JSON. Of one with an owner this is all there is; of a manifest's it is what was seen last.
  std::string text;
  WallTime created{};
  std::int64_t generation = 1;
  bool deleting = false;  // its pods go, and then it
  WallTime deleted{};     // when that was asked for; WallTime(): not noted, by an earlier agent
  bool expired = false;   // a Job that ttlSecondsAfterFinished has removed, and whose manifest is still there
  Overrides overrides;
  // ReplicaSet
  std::int64_t revision = 0;
  int wanted = 0;
  int sized_for = 0;
  int sized_within = 0;
  // Deployment
  Progress progress;
  int collisions = 0;
  // StatefulSet and DaemonSet
  std::vector<StoredRevision> revisions;
  std::string current_revision;  // that of the pods of a StatefulSet that are not to be updated
  JobStatus job;
  CronStatus cron;
  bool operator==(const WorkloadRecord&) const = default;

  [[nodiscard]] std::string key() const { return namespace_ + "/" + name; }
  [[nodiscard]] std::string shown() const { return std::string(config::to_string(kind)) + " " + key(); }
  [[nodiscard]] bool is_owned() const { return !owner.kind.empty(); }
};

[[nodiscard]] std::string to_json(const WorkloadRecord& record);
[[nodiscard]] Result<WorkloadRecord> parse_workload_record(const std::string& json);

}  // namespace mete::agent
