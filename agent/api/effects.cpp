// SPDX-License-Identifier: Apache-2.0
#include "agent/api/effects.h"

#include <algorithm>
#include <map>

#include "agent/pods/manifests/references.h"
#include "agent/pods/record/pod_identity.h"

namespace mete::agent {
namespace {

using config::PodPlan;

void compare_environments(const std::vector<config::ContainerPlan>& before,
                          const std::vector<config::ContainerPlan>& after, std::vector<std::string>& what) {
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
    if (before[i] == after[i]) continue;
    what.push_back("the environment of container " + after[i].name + " changes when it starts again");
  }
}

void compare_files(const PodPlan& before, const PodPlan& after, std::vector<std::string>& what) {
  std::string names;
  for (std::size_t i = 0; i < before.volume_files.size() && i < after.volume_files.size(); ++i) {
    if (before.volume_files[i] == after.volume_files[i] || !after.volume_files[i].missing.empty()) continue;
    names += (names.empty() ? "" : ", ") + after.volume_files[i].volume;
  }
  if (!names.empty()) what.push_back("the files of volume " + names + " are exchanged");
}

std::vector<std::string> changes(const PodPlan& before, const PodPlan& after) {
  const auto& gates = before.pod.spec.scheduling_gates;
  const auto& gates_after = after.pod.spec.scheduling_gates;
  const bool gated_again = gates.empty() && !gates_after.empty();
  if (gated_again || identity_hash(before) != identity_hash(after)) return {"is replaced by a new one"};
  std::vector<std::string> what;
  if (!gates.empty() && gates_after.empty()) what.emplace_back("begins, as it has no scheduling gate any more");
  compare_files(before, after, what);
  compare_environments(before.init_containers, after.init_containers, what);
  compare_environments(before.containers, after.containers, what);
  const auto& words = before.pod.metadata;
  const auto& words_after = after.pod.metadata;
  if (words.labels != words_after.labels || words.annotations != words_after.annotations)
    what.emplace_back("its labels or annotations change in place");
  if (resources_hash(before) != resources_hash(after))
    what.emplace_back("its resources or its bandwidth change in place");
  if (before.policy != after.policy) what.emplace_back("its policy changes in place");
  return what;
}

// The first container that waits says what all wait for, where that is a volume.
void add_waits(const PodPlan& plan, std::vector<std::string>& what) {
  for (const auto* list : {&plan.init_containers, &plan.containers}) {
    for (const auto& each : *list) {
      const auto waits = waits_for(plan, each.name, false);
      if (!waits) continue;
      what.push_back("container " + each.name + " waits: " + waits->message);
      if (waits->event == Reason::kFailedMount) return;
    }
  }
}

}  // namespace

std::vector<Effect> effects(const config::DesiredState& before, const config::DesiredState& after) {
  std::map<std::string, const PodPlan*> known;
  for (const auto& plan : before.pods) known[config::full_name(plan->pod.metadata)] = plan.get();
  std::vector<Effect> all;
  for (const auto& shared : after.pods) {
    const PodPlan& plan = *shared;
    const std::string name = config::full_name(plan.pod.metadata);
    const auto old = known.find(name);
    if (old != known.end() && *old->second == plan) continue;
    std::vector<std::string> what;
    if (old != known.end()) what = changes(*old->second, plan);
    if (!plan.pod.spec.scheduling_gates.empty()) {
      what.emplace_back("waits until it has no scheduling gate");
    } else {
      add_waits(plan, what);
    }
    if (!what.empty()) all.push_back({name, std::move(what)});
  }
  return all;
}

}  // namespace mete::agent
