// SPDX-License-Identifier: Apache-2.0
// Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs: carries out what the plans of this folder
// decide. A step looks at what there is (pods from the Reconciler, records of its own), asks the kind's plan, and makes
// and ends pods. Every change of a pod, of the manifests and of the clock leads to a step; a step that changes nothing
// is cheap, so nothing else is kept in memory that could go stale.
//
// After a crash the records of pods and workloads say the same as before it: a pod's record is on disk before the pod
// starts, a Job's numbers before a pod that they count may go.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/services.h"
#include "agent/pods/manifests/manifests.h"
#include "agent/pods/reconciler.h"
#include "agent/workloads/child.h"
#include "agent/workloads/workload_record.h"

namespace mete::agent {

struct WorkloadObject {
  WorkloadRecord record;
  std::optional<config::Workload> workload;  // with what commands have said; empty: its text cannot be read
  std::string text;                          // the same as JSON
  std::int64_t observed = 0;                 // the generation that was last carried out
  WallTime next{};                           // when a CronJob is due
  std::string told;                          // the last failure that was reported
  // Templates of a StatefulSet's or DaemonSet's revisions, by name; read when they are needed.
  std::map<std::string, config::Workload> by_revision;
};

class Workloads {
 public:
  Workloads(Services& services, Manifests& manifests, Reconciler& reconciler);

  // Reads the records, and takes up the manifests. Before Reconciler::adopt().
  [[nodiscard]] Status open();
  // The manifests have changed.
  void take_manifests();

  [[nodiscard]] const std::map<std::string, std::unique_ptr<WorkloadObject>>& objects() const { return objects_; }
  // Of a manifest's object, or of one that a workload has made. Null: there is none.
  [[nodiscard]] WorkloadObject* find(config::WorkloadKind kind, std::string_view key) const;
  [[nodiscard]] std::vector<Child> children(const WorkloadObject& object) const;
  [[nodiscard]] std::vector<WorkloadObject*> owned(const WorkloadObject& object) const;
  [[nodiscard]] int replicas_of(const WorkloadObject& object) const;
  [[nodiscard]] bool is_paused(const WorkloadObject& object) const;
  // The ReplicaSet that has a Deployment's present template. Null: none has been made yet.
  [[nodiscard]] const WorkloadObject* current_set(const WorkloadObject& deployment) const;
  // What its plan and its status are made of. `available_at`: when the next pod becomes available.
  [[nodiscard]] std::vector<SetFacts> set_facts(const WorkloadObject& deployment,
                                                std::optional<WallTime>& available_at) const;

  // All there are, the oldest first.
  struct Revision {
    std::string name;
    std::int64_t number = 0;
    std::string text;  // the template as JSON, without the labels that the kind adds
    std::map<std::string, std::string> annotations = {};
  };
  [[nodiscard]] std::vector<Revision> revisions(const WorkloadObject& object) const;
  // The template as JSON that a pod of this revision was made from.
  [[nodiscard]] std::string template_of_revision(const WorkloadObject& object, const std::string& revision) const;

  // Commands. The error says what is wrong and that nothing was changed.
  [[nodiscard]] Status scale(WorkloadObject& object, int replicas);
  [[nodiscard]] Status pause(WorkloadObject& object, bool paused);
  [[nodiscard]] Status restart(WorkloadObject& object);
  // 0: the revision before the present one. The text says what was done.
  [[nodiscard]] Result<std::string> undo(WorkloadObject& object, std::int64_t revision);
  // Ends its pods and removes it, and what it has made.
  void remove(WorkloadObject& object, std::optional<std::chrono::seconds> grace);
  // `mete apply` names it: what commands have said goes, where the manifest says otherwise.
  void forget_overrides(WorkloadObject& object);
  // The error: the manifest may not be applied while there is such an object (a Job with another template).
  [[nodiscard]] Status check(const config::Workload& workload) const;

 private:
  // Lifecycle: workloads.cpp
  void adopt_record(WorkloadRecord record);
  void remove_orphans();
  void take(const config::Workload& manifest);
  void take_change(WorkloadObject& object, const config::Workload& manifest);
  void read_effective(WorkloadObject& object, const std::string& source);
  WorkloadObject& add(WorkloadRecord record);
  void finish_removal(WorkloadObject& object);
  // Against a power failure, too: half a record would stop all workloads. False: it failed, and was reported.
  bool save(WorkloadObject& object);
  [[nodiscard]] std::string path_of(const WorkloadRecord& record) const;
  void dirty(const std::string& uid);
  void pod_changed(const std::string& key);
  void step(const std::string& uid);
  void step_kind(WorkloadObject& object);
  void look_again(const WorkloadObject& object, std::optional<WallTime> at);
  void arm();
  void report(const WorkloadObject& object, Reason reason, std::string message);
  // Reports the text once, until another one comes.
  void complain_once(WorkloadObject& object, const std::string& message);
  [[nodiscard]] ChildPlan plan_of(const PodRecord& record);
  [[nodiscard]] const config::Workload* template_for(WorkloadObject& object, const std::string& revision);
  // False: it cannot be made now; tried again later.
  bool create_pod(WorkloadObject& object, const std::string& name, PodWorkload owner);
  void remove_pod(const WorkloadObject& object, const std::string& name);

  Status take_overrides(WorkloadObject& object, Overrides next);  // rollouts.cpp

  // Of one kind each: deployments.cpp, stateful_sets.cpp, jobs.cpp
  void step_deployment(WorkloadObject& object);
  void size_set(WorkloadObject& deployment, WorkloadObject& set, const SetFacts& to);
  void make_set(WorkloadObject& deployment, const SetFacts& to);
  void step_replica_set(WorkloadObject& object);
  void step_set(WorkloadObject& object);
  void note_revision(WorkloadObject& object);
  void trim_revisions(WorkloadObject& object, const std::vector<Child>& children);
  void remove_claims(WorkloadObject& object, const config::StatefulSetSpec& spec, int first, int end);
  void step_job(WorkloadObject& object);
  void job_ended(WorkloadObject& object);
  void expire(WorkloadObject& object);
  void step_cron_job(WorkloadObject& object);
  bool make_job(WorkloadObject& cron, WallTime at);

  Services& services_;
  Manifests& manifests_;
  Reconciler& reconciler_;
  std::map<std::string, std::unique_ptr<WorkloadObject>> objects_;  // by uid
  std::map<std::string, std::string> workload_of_;  // uid, by the key of a pod: also of one that is gone
  std::set<std::string> dirty_;
  std::map<std::string, WallTime> due_;  // when an object is to be looked at again
  bool all_read_ = true;                 // every record of earlier agents was readable
  Timer timer_;
  Alive alive_;
};

[[nodiscard]] WallTime wall_now();

}  // namespace mete::agent
