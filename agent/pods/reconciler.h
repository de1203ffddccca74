// SPDX-License-Identifier: Apache-2.0
// From desired to actual: which pods are made, ended or replaced. Owns the pods.
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

// What is done about one pod. Pure.
enum class Step { kNothing, kCreate, kUpdate, kReplace, kDelete };
struct PodFacts {
  bool desired = false;
  bool exists = false;
  bool same_hash = false;
  bool same_settings = false;  // policy and resources
  bool terminating = false;
  bool undecided = false;  // its manifest cannot be read now
};
[[nodiscard]] Step decide(const PodFacts& facts);

class Reconciler {
 public:
  Reconciler(Enforcement& enforcement, Manifests& manifests)
      : enforcement_(enforcement), services_(enforcement.services()), manifests_(manifests), retry_(services_.loop) {}

  // Takes over what earlier agents recorded, removes what no record explains, then reconcile().
  void adopt();
  // The manifests have changed. The pods named in `at_once` are seen to before this returns, the others in turn.
  void reconcile(const std::vector<std::string>& at_once = {});
  // `mete update`: Pod::update.
  [[nodiscard]] Status update(Pod& pod, const std::string& container, const enforcers::ResourceUpdate& update,
                              bool reset);
  // Deletes every pod and makes none again.
  void end_all(std::chrono::seconds grace);

  [[nodiscard]] const std::map<std::string, std::unique_ptr<Pod>>& pods() const { return pods_; }
  [[nodiscard]] Pod* find(const std::string& key) const;
  // Called when nothing is left of a pod.
  void on_gone(std::function<void()> callback) { on_gone_ = std::move(callback); }
  // Called whenever the desired state was read.
  void on_desired(std::function<void()> callback) { on_desired_ = std::move(callback); }
  // Image layers below the containers there are; empty when a record does not say.
  [[nodiscard]] std::optional<std::vector<std::string>> layers_in_use() const;
  // Which container's cgroup this is; null when it is none of ours.
  [[nodiscard]] Container* by_cgroup(const std::string& path) const;

 private:
  struct Wanted {
    const config::PodPlan* plan;  // in manifests_.desired()
    std::string hash;
    std::string resources;  // their hash
  };
  void read_desired();
  void see_to(const std::string& key);
  void gone(const std::string& key);
  void remove_orphans();
  void protect_parent();

  Enforcement& enforcement_;
  Services& services_;
  Manifests& manifests_;
  std::map<std::string, Wanted> wanted_;
  std::map<std::string, std::unique_ptr<Pod>> pods_;  // "default/web"
  std::function<void()> on_gone_;
  std::function<void()> on_desired_;
  std::optional<Bytes> protected_;  // memory.min of the parent of all pods; empty: what an earlier agent wrote
  bool all_read_ = true;            // what earlier agents recorded
  bool ending_ = false;
  std::set<std::string> create_failed_;  // told once
  Timer retry_;                          // for pods that could not be made
  Alive alive_;
};

}  // namespace mete::agent
