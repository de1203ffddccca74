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
#include "agent/pods/manifests.h"
#include "agent/pods/pod.h"

namespace mete::agent {

// The step for one pod; chosen by a pure function.
enum class Step { kNothing, kCreate, kUpdate, kReplace, kDelete };
struct PodFacts {
  bool desired = false;
  bool exists = false;
  bool same_hash = false;
  bool same_settings = false;  // policy and resources
  bool terminating = false;
  bool undecided = false;  // the manifest cannot be read now
};
[[nodiscard]] Step decide(const PodFacts& facts);

class Reconciler {
 public:
  Reconciler(const PodOwner& owner, Manifests& manifests)
      : owner_(owner), services_(owner.enforcement.services()), manifests_(manifests), retry_(services_.loop) {}

  // Adopts the pods that earlier agents recorded, removes leftovers without a record, then calls reconcile().
  void adopt();
  // The manifests have changed: reconciles the pods in `at_once` before the call returns, the others in later turns.
  void reconcile(const std::vector<std::string>& at_once = {});
  // `mete update`: Pod::update.
  [[nodiscard]] Status update(Pod& pod, const std::string& container, const enforcers::ResourceUpdate& update,
                              bool reset);
  [[nodiscard]] Networks& networks() { return owner_.networks; }
  // Deletes every pod; no pod is made afterwards.
  void end_all(std::chrono::seconds grace);

  [[nodiscard]] const std::map<std::string, std::unique_ptr<Pod>>& pods() const { return pods_; }
  [[nodiscard]] Pod* find(const std::string& key) const;
  // `callback` is called when a pod has been removed completely.
  void on_gone(std::function<void()> callback) { on_gone_ = std::move(callback); }
  // `callback` is called after each read of the desired state.
  void on_desired(std::function<void()> callback) { on_desired_ = std::move(callback); }
  // Image layers used by the containers; empty: a record does not list its layers.
  [[nodiscard]] std::optional<std::vector<std::string>> layers_in_use() const;
  // The container with this cgroup; null: the cgroup is not a container of mete.
  [[nodiscard]] Container* by_cgroup(const std::string& path) const;

 private:
  struct Wanted {
    const config::PodPlan* plan;  // in manifests_.desired()
    std::string hash;
    std::string resources;  // hash of its resources
  };
  void read_desired();
  void reconcile_pod(const std::string& key);
  void gone(const std::string& key);
  void remove_orphans();
  void protect_parent();

  PodOwner owner_;
  Services& services_;
  Manifests& manifests_;
  std::map<std::string, Wanted> wanted_;
  std::map<std::string, std::unique_ptr<Pod>> pods_;  // "default/web"
  std::function<void()> on_gone_;
  std::function<void()> on_desired_;
  std::optional<Bytes> protected_;  // memory.min of the parent of all pods; empty: an earlier agent's value
  bool all_read_ = true;            // every record of earlier agents was readable
  bool ending_ = false;
  std::set<std::string> create_failed_;  // pods whose failure has been reported
  Timer retry_;                          // for pods that could not be made
  Alive alive_;
};

}  // namespace mete::agent
