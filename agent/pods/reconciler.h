// SPDX-License-Identifier: Apache-2.0
// Makes the actual state match the desired one: makes, ends and replaces pods. Owns the pods.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/enforcement/enforcement.h"
#include "agent/pods/manifests/manifests.h"
#include "agent/pods/pod.h"

namespace mete::agent {

// The step for one pod; chosen by a pure function.
enum class Step { kNothing, kCreate, kUpdate, kReplace, kDelete };
struct PodFacts {
  bool desired = false;
  bool exists = false;
  bool same_hash = false;
  bool same_settings = false;  // policy, priority, probes and resources, and what ConfigMaps and Secrets hold
  bool terminating = false;
  bool undecided = false;  // the manifest cannot be read now
};
[[nodiscard]] Step decide(const PodFacts& facts);

// The pods that workloads make are no manifest's: whoever makes them says what each of them is now.
struct ChildPlan {
  bool wanted = false;                  // false: its workload is gone, and it goes, too
  std::optional<config::PodPlan> plan;  // empty, and wanted: it cannot be said now; the pod is left as it is
};

class Reconciler {
 public:
  Reconciler(const PodTools& tools, Manifests& manifests)
      : tools_(tools), services_(tools.enforcement.services()), manifests_(manifests), retry_(services_.loop) {}

  // Adopts the pods that earlier agents recorded, removes leftovers without a record, then calls reconcile().
  void adopt();
  // The manifests have changed: reconciles the pods in `at_once` before the call returns, the others in later turns.
  void reconcile(const std::vector<std::string>& at_once = {});
  // `mete update`: Pod::update.
  [[nodiscard]] Status update(Pod& pod, const std::string& container, const enforcers::ResourceUpdate& update,
                              bool reset);
  [[nodiscard]] Networks& networks() const { return tools_.networks; }
  [[nodiscard]] DeviceBook& devices() const { return tools_.devices; }
  [[nodiscard]] const Services& services() const { return services_; }
  // Deletes every pod; no pod is made afterwards.
  void end_all(std::chrono::seconds grace);

  [[nodiscard]] const std::map<std::string, std::unique_ptr<Pod>>& pods() const { return pods_; }
  [[nodiscard]] Pod* find(const std::string& key) const;
  // `callback` is called when a pod has been removed completely.
  void on_gone(std::function<void()> callback) { on_gone_ = std::move(callback); }
  // `callback` is called with a pod's key when its status() has changed, when it is new, and when it is gone: then
  // find() has none of that key. Calls come from the loop, outside of any call of a pod.
  void on_changed(std::function<void(const std::string& key)> callback) { on_changed_.push_back(std::move(callback)); }
  // `callback` is called after each read of the desired state.
  void on_desired(std::function<void()> callback) { on_desired_ = std::move(callback); }
  // Image layers used by the containers; empty: a record does not list its layers.
  [[nodiscard]] std::optional<std::vector<std::string>> layers_in_use() const;
  // Asked for each pod of a workload when the desired state is read; set before adopt(). `kind`: of the workloads that
  // it answers for; empty: of all that nobody else answers for.
  using ChildPlanner = std::function<ChildPlan(const PodRecord&)>;
  void on_child(ChildPlanner plan, const std::string& kind = {}) { child_plans_[kind] = std::move(plan); }
  // Makes a pod of a workload. `stopped`: to be started later. `cgroup_parent`: PodRecord's. The error: there is none.
  [[nodiscard]] Status create_child(config::PodPlan plan, PodWorkload workload, bool stopped = false,
                                    std::string cgroup_parent = {});
  // False: the record of an earlier agent was not readable, and a pod may be missing here.
  [[nodiscard]] bool all_read() const { return all_read_; }
  // The container with this cgroup; null: the cgroup is not a container of mete.
  [[nodiscard]] Container* by_cgroup(const std::string& path) const;

 private:
  struct Wanted {
    config::SharedPlan plan;
    const PlanHashes* hashes;
  };
  [[nodiscard]] static bool is_same(PodRecord& record, const Wanted& wanted);
  void read_desired();
  // `stopped`: a pod that is made now waits for start().
  void reconcile_pod(const std::string& key, bool stopped = false);
  void reconcile_child(Pod& pod);
  [[nodiscard]] Result<std::uint32_t> users_for_pod() const;
  [[nodiscard]] ChildPlan child_plan(const PodRecord& record) const;
  [[nodiscard]] Status create(const config::SharedPlan& plan, Pod::Origin origin);
  void not_created(const std::string& key, const std::string& why);
  [[nodiscard]] Pod::Owner owner_of(const std::string& key);
  void changed(const std::string& key);
  void gone(const std::string& key);
  void remove_orphans();
  void remove_orphans_in(const std::string& parent, const std::set<std::string>& known);
  void protect_parent();

  PodTools tools_;
  Services& services_;
  Manifests& manifests_;
  std::map<std::string, Wanted> wanted_;
  std::map<std::string, std::unique_ptr<Pod>> pods_;  // "default/web"
  std::function<void()> on_gone_;
  std::function<void()> on_desired_;
  std::map<std::string, ChildPlanner> child_plans_;  // by kind
  std::vector<std::function<void(const std::string&)>> on_changed_;
  std::optional<Bytes> protected_;  // memory.min of the parent of all pods; empty: an earlier agent's value
  bool all_read_ = true;            // every record of earlier agents was readable
  bool ending_ = false;
  std::set<std::string> create_failed_;  // pods whose failure has been reported
  Timer retry_;                          // for pods that could not be made
  Alive alive_;
};

}  // namespace mete::agent
