// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/set_scaling.h"

#include <algorithm>
#include <cmath>

namespace mete::agent {
namespace {

// Its share of a Deployment with room for `within` pods, as a change of its size.
int share_of(const SetFacts& set, int replicas, int within) {
  if (replicas == 0) return -set.wanted;
  const int before = set.sized_within > 0 ? set.sized_within : within;
  return static_cast<int>(std::lround(static_cast<double>(set.wanted) * within / before)) - set.wanted;
}

// The larger first; of equals the newer when pods are added, the older when they go.
void sort_by_size(std::vector<SetFacts*>& sets, bool adding) {
  std::sort(sets.begin(), sets.end(), [adding](const SetFacts* a, const SetFacts* b) {
    if (a->wanted != b->wanted) return a->wanted > b->wanted;
    if (a->created != b->created) return adding ? a->created > b->created : a->created < b->created;
    return a->name < b->name;
  });
}

}  // namespace

bool is_resized(const std::vector<SetFacts>& sets, int replicas) {
  return std::any_of(sets.begin(), sets.end(),
                     [&](const SetFacts& set) { return set.wanted > 0 && set.sized_for != replicas; });
}

void note_size(SetFacts& set, int replicas, const Bounds& bounds) {
  set.sized_for = replicas;
  set.sized_within = replicas + bounds.surge;
}

void scale_sets(std::vector<SetFacts>& sets, int replicas, const Bounds& bounds) {
  std::vector<SetFacts*> with_pods;
  SetFacts* latest = nullptr;
  SetFacts* current = nullptr;
  for (auto& set : sets) {
    if (set.wanted > 0) with_pods.push_back(&set);
    if (latest == nullptr || set.number > latest->number) latest = &set;
    if (set.current) current = &set;
  }
  if (with_pods.size() <= 1) {
    SetFacts* const only = !with_pods.empty() ? with_pods[0] : current != nullptr ? current : latest;
    if (only != nullptr) only->wanted = replicas;
    return;
  }
  if (current != nullptr && current->wanted == replicas && current->sized_for == replicas &&
      current->pods.available >= replicas) {
    for (SetFacts* set : with_pods) {
      if (set != current) set->wanted = 0;
    }
    return;
  }
  int sum = 0;
  for (const SetFacts* set : with_pods) sum += set->wanted;
  const int within = replicas > 0 ? replicas + bounds.surge : 0;
  const int change = within - sum;
  if (!is_resized(sets, replicas)) return;  // as big as it may be: surge and all
  sort_by_size(with_pods, change > 0);
  int done = 0;
  for (SetFacts* set : with_pods) {
    const int share = share_of(*set, replicas, within);
    const int part = change > 0 ? std::min(share, change - done) : std::max(share, change - done);
    set->wanted += part;
    done += part;
  }
  with_pods[0]->wanted = std::max(0, with_pods[0]->wanted + change - done);
}

}  // namespace mete::agent
