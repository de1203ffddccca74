// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/stateful_plan.h"

#include <algorithm>

#include "agent/workloads/deployment_plan.h"

namespace mete::agent {
namespace {

bool has_ended(const Child& child) {
  return child.phase == PodPhase::kSucceeded || child.phase == PodPhase::kFailed;
}

class StatefulPlanner {
 public:
  StatefulPlanner(const StatefulFacts& facts, WallTime now)
      : facts_(facts), spec_(facts.spec), now_(now), min_ready_(facts.spec.min_ready_seconds) {
    plan_.current = facts.current;
    pods_.resize(static_cast<std::size_t>(facts.replicas));
    for (const auto& child : facts.children) {
      const int at = child.index - spec_.first_ordinal;
      if (at >= 0 && at < facts.replicas) {
        pods_[static_cast<std::size_t>(at)] = &child;
      } else {
        condemned_.push_back(&child);
      }
    }
    std::sort(condemned_.begin(), condemned_.end(), [](const Child* a, const Child* b) { return a->index > b->index; });
  }

  SetPlan run() {
    if (!establish()) return std::move(plan_);
    if (!shrink()) return std::move(plan_);
    if (spec_.strategy == config::UpdateStrategy::kRollingUpdate) update();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] bool updates(int at) const { return at >= spec_.rolling.partition; }
  [[nodiscard]] const std::string& revision_at(int at) const {
    const bool old = spec_.strategy == config::UpdateStrategy::kRollingUpdate && !updates(at);
    return old ? facts_.current : facts_.update;
  }
  [[nodiscard]] bool is_old(const Child& child) const { return child.revision != facts_.update; }
  [[nodiscard]] bool available(const Child& child) { return is_available(child, min_ready_, now_); }

  // Each pod that is to be there. False: one must get ready first, or be gone.
  bool establish() {
    for (int at = 0; at < facts_.replicas; ++at) {
      const Child* const child = pods_[static_cast<std::size_t>(at)];
      if (child == nullptr) {
        plan_.create.push_back({spec_.first_ordinal + at, revision_at(at)});
        if (!spec_.parallel) return false;
        continue;
      }
      if (available(*child)) continue;
      if (child->ready) look_at(plan_.look_again, child->ready_since + min_ready_);
      const bool hopeless = has_ended(*child) || (!child->ready && is_old(*child) && updates(at) &&
                                                  spec_.strategy == config::UpdateStrategy::kRollingUpdate);
      if (hopeless && !child->terminating) plan_.remove.push_back(child->name);
      if (!spec_.parallel) return false;
    }
    return true;
  }

  // The highest ordinal goes first.
  bool shrink() {
    for (const Child* child : condemned_) {
      if (!child->terminating) plan_.remove.push_back(child->name);
      if (!spec_.parallel) return false;
    }
    return true;
  }

  void update() {
    int unavailable = 0;
    bool done = true;
    for (const Child* child : pods_) {
      if (child == nullptr || !available(*child)) ++unavailable;
      done = done && child != nullptr && child->ready && !is_old(*child);
    }
    if (done) {
      plan_.current = facts_.update;
      return;
    }
    int left = resolved(spec_.rolling.max_unavailable, facts_.replicas, false);
    left = std::max(1, left) - unavailable;
    for (int at = facts_.replicas; at-- > spec_.rolling.partition;) {
      const Child* const child = pods_[static_cast<std::size_t>(at)];
      if (child == nullptr || child->terminating || !is_old(*child) || !available(*child)) continue;
      if (left-- <= 0) return;
      plan_.remove.push_back(child->name);
    }
  }

  const StatefulFacts& facts_;
  const config::StatefulSetSpec& spec_;
  WallTime now_;
  std::chrono::seconds min_ready_;
  std::vector<const Child*> pods_;       // by ordinal; null: there is none
  std::vector<const Child*> condemned_;  // the highest ordinal first
  SetPlan plan_;
};

}  // namespace

SetPlan plan_stateful_set(const StatefulFacts& facts, WallTime now) {
  return StatefulPlanner(facts, now).run();
}

SetPlan plan_daemon_set(const config::DaemonSetSpec& spec, const std::string& update,
                        const std::vector<Child>& children, WallTime now) {
  SetPlan plan;
  plan.current = update;
  const std::chrono::seconds min_ready(spec.min_ready_seconds);
  const bool rolls = spec.strategy == config::UpdateStrategy::kRollingUpdate;
  const Child* fresh = nullptr;
  const Child* old = nullptr;
  bool ending = false;
  for (const auto& child : children) {
    if (child.terminating) {
      ending = true;
      continue;
    }
    const Child*& place = child.revision == update ? fresh : old;
    // Of two the older stays.
    const bool surplus = has_ended(child) || (place != nullptr && place->created <= child.created);
    if (surplus) {
      plan.remove.push_back(child.name);
      ending = true;
      continue;
    }
    if (place != nullptr) plan.remove.push_back(place->name);
    place = &child;
  }
  const bool surges = rolls && spec.rolling.max_surge.value > 0;
  if (fresh != nullptr) {
    if (old == nullptr) return plan;
    if (is_available(*fresh, min_ready, now) || !old->ready) plan.remove.push_back(old->name);
    if (fresh->ready) look_at(plan.look_again, fresh->ready_since + min_ready);
    return plan;
  }
  if (old != nullptr && !rolls) return plan;
  if (old != nullptr && !surges) {
    plan.remove.push_back(old->name);
    return plan;
  }
  // The place of an old pod is taken when it is gone: both may want the same port of the machine.
  if (!ending || surges) plan.create.push_back({-1, update});
  return plan;
}

}  // namespace mete::agent
