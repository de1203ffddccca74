// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/replica_plan.h"

#include <algorithm>

namespace mete::agent {
namespace {

// True: `a` goes before `b`.
bool goes_first(const Child& a, const Child& b) {
  const bool a_pending = a.phase == PodPhase::kPending;
  if (a_pending != (b.phase == PodPhase::kPending)) return a_pending;
  if (a.ready != b.ready) return !a.ready;
  if (a.deletion_cost != b.deletion_cost) return a.deletion_cost < b.deletion_cost;
  if (a.ready && a.ready_since != b.ready_since) return a.ready_since > b.ready_since;
  if (a.restarts != b.restarts) return a.restarts > b.restarts;
  if (a.created != b.created) return a.created > b.created;
  return a.name > b.name;
}

}  // namespace

std::vector<std::string> dispensable(const std::vector<Child>& children, int surplus) {
  std::vector<const Child*> active;
  for (const auto& child : children) {
    if (is_active(child)) active.push_back(&child);
  }
  std::sort(active.begin(), active.end(), [](const Child* a, const Child* b) { return goes_first(*a, *b); });
  std::vector<std::string> names;
  for (const Child* child : active) {
    if (static_cast<int>(names.size()) >= surplus) break;
    names.push_back(child->name);
  }
  return names;
}

ReplicaPlan plan_replicas(int wanted, const std::vector<Child>& children) {
  const auto active = static_cast<int>(std::count_if(children.begin(), children.end(), is_active));
  if (active <= wanted) return {wanted - active, {}};
  return {0, dispensable(children, active - wanted)};
}

}  // namespace mete::agent
