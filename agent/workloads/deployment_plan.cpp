// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/deployment_plan.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "agent/workloads/set_scaling.h"

namespace mete::agent {
namespace {

class Planner {
 public:
  Planner(const DeploymentFacts& facts, WallTime now)
      : facts_(facts), spec_(facts.spec), now_(now), bounds_(bounds_of(facts.spec, facts.replicas)) {
    plan_.sets = facts.sets;
    plan_.progress = facts.progress;
    std::sort(plan_.sets.begin(), plan_.sets.end(), [](const SetFacts& a, const SetFacts& b) {
      return a.created != b.created ? a.created < b.created : a.name < b.name;
    });
  }

  DeploymentPlan run() {
    if (facts_.paused) {
      // That a rollout takes too long is not forgotten by a pause.
      if (plan_.progress.reason != kRolloutTooLate) note_pause(kDeploymentPaused);
      scale_sets(plan_.sets, facts_.replicas, bounds_);
    } else {
      if (plan_.progress.reason == kDeploymentPaused) note_pause(kDeploymentResumed);
      if (is_resized(plan_.sets, facts_.replicas)) scale_sets(plan_.sets, facts_.replicas, bounds_);
      if (spec_.strategy == config::UpdateStrategy::kRecreate) {
        recreate();
      } else {
        roll();
      }
    }
    for (auto& set : plan_.sets) note_size(set, facts_.replicas, bounds_);
    conclude();
    return std::move(plan_);
  }

 private:
  void note_pause(const char* reason) {
    if (plan_.progress.reason == reason) return;
    plan_.progress.reason = reason;
    plan_.progress.since = now_;
  }

  // The set of the present template, made when there is none. Its revision is the highest.
  SetFacts& current() {
    std::int64_t highest = 0;
    SetFacts* found = nullptr;
    for (auto& set : plan_.sets) {
      if (set.current) {
        found = &set;
      } else {
        highest = std::max(highest, set.number);
      }
    }
    if (found == nullptr) {
      plan_.sets.push_back({.current = true, .created = now_});
      found = &plan_.sets.back();
      plan_.progress.reason = kNewSetCreated;
      plan_.progress.since = now_;
    }
    if (found->number <= highest) found->number = highest + 1;
    return *found;
  }

  [[nodiscard]] int wanted_in_all() const {
    int sum = 0;
    for (const auto& set : plan_.sets) sum += set.wanted;
    return sum;
  }

  void roll() {
    SetFacts& fresh = current();
    if (fresh.wanted > facts_.replicas) {
      fresh.wanted = facts_.replicas;
    } else {
      const int room = facts_.replicas + bounds_.surge - wanted_in_all();
      fresh.wanted += std::max(0, std::min(room, facts_.replicas - fresh.wanted));
    }
    const int least = facts_.replicas - bounds_.unavailable;
    const int fresh_missing = std::max(0, fresh.wanted - fresh.pods.available);
    remove_unhealthy(wanted_in_all() - least - fresh_missing);
    remove_old(least);
  }

  // Of old sets first those that serve nobody: their absence changes nothing.
  void remove_unhealthy(int most) {
    for (auto& set : plan_.sets) {
      if (set.current || most <= 0) continue;
      const int gone = std::min(most, std::max(0, set.wanted - set.pods.available));
      set.wanted -= gone;
      most -= gone;
    }
  }

  void remove_old(int least) {
    int available = 0;
    for (const auto& set : plan_.sets) available += std::min(set.pods.available, set.wanted);
    int most = available - least;
    for (auto& set : plan_.sets) {
      if (set.current || most <= 0) continue;
      const int gone = std::min(most, set.wanted);
      set.wanted -= gone;
      most -= gone;
    }
  }

  // First none of the old pods is left, then the new ones are made.
  void recreate() {
    bool left = false;
    for (auto& set : plan_.sets) {
      if (set.current) continue;
      set.wanted = 0;
      left = left || set.pods.replicas + set.pods.terminating > 0;
    }
    SetFacts& fresh = current();
    if (!left) fresh.wanted = facts_.replicas;
  }

  void conclude() {
    Progress now{.reason = plan_.progress.reason, .since = plan_.progress.since};
    for (const auto& set : plan_.sets) {
      now.total += set.pods.replicas;
      now.ready += set.pods.ready;
      now.available += set.pods.available;
      if (set.current) now.updated += set.pods.replicas;
    }
    plan_.complete = !facts_.paused && now.updated == facts_.replicas && now.total == facts_.replicas &&
                     now.available >= facts_.replicas;
    const Progress& before = plan_.progress;
    const bool further = now.updated > before.updated || now.total - now.updated < before.total - before.updated ||
                         now.ready > before.ready || now.available > before.available;
    if (!facts_.paused) judge(now, further);
    note_times(now);
    plan_.progress = now;
    if (plan_.complete) remove_history();
  }

  void note_times(Progress& now) const {
    const Progress& before = facts_.progress;
    const bool first = before.reason.empty();
    const bool turned = std::string_view(progressing_status(before.reason)) != progressing_status(now.reason);
    now.status_since = first || turned ? now_ : before.status_since;
    now.enough = now.available >= facts_.replicas - bounds_.unavailable;
    now.enough_since = first || now.enough != before.enough ? now_ : before.enough_since;
  }

  void judge(Progress& now, bool further) {
    if (plan_.complete) {
      if (now.reason != kNewSetAvailable) now.since = now_;
      now.reason = kNewSetAvailable;
      return;
    }
    // A pod that is missing after the end of a rollout begins no new one.
    if (now.reason == kNewSetAvailable && now.total == now.updated) return;
    if (further || now.reason.empty() || now.reason == kNewSetAvailable) {
      now.reason = kSetUpdated;
      now.since = now_;
    }
    look_at_deadline(now);
  }

  void look_at_deadline(Progress& now) {
    if (now.reason == kRolloutTooLate) return;
    const WallTime end = now.since + std::chrono::seconds(spec_.progress_deadline_seconds);
    if (end <= now_) {
      now.reason = kRolloutTooLate;
    } else {
      look_at(plan_.look_again, end);
    }
  }

  void remove_history() {
    std::vector<const SetFacts*> old;
    for (const auto& set : plan_.sets) {
      if (!set.current && set.wanted == 0 && set.pods.replicas + set.pods.terminating == 0) old.push_back(&set);
    }
    std::sort(old.begin(), old.end(), [](const SetFacts* a, const SetFacts* b) { return a->number < b->number; });
    const auto kept = static_cast<std::size_t>(spec_.revision_history_limit);
    for (std::size_t i = 0; i + kept < old.size(); ++i) plan_.remove.push_back(old[i]->name);
  }

  const DeploymentFacts& facts_;
  const config::DeploymentSpec& spec_;
  WallTime now_;
  Bounds bounds_;
  DeploymentPlan plan_;
};

}  // namespace

const char* progressing_status(const std::string& reason) {
  if (reason == kDeploymentPaused || reason == kDeploymentResumed) return "Unknown";
  return reason == kRolloutTooLate ? "False" : "True";
}

int resolved(config::CountOrPercent value, int of, bool up) {
  if (!value.percent) return value.value;
  constexpr int kHundred = 100;
  const std::int64_t hundredths = std::int64_t{value.value} * of;
  return static_cast<int>((hundredths + (up ? kHundred - 1 : 0)) / kHundred);
}

Bounds bounds_of(const config::DeploymentSpec& spec, int replicas) {
  if (spec.strategy == config::UpdateStrategy::kRecreate || replicas == 0) return {};
  Bounds bounds{resolved(spec.rolling.max_surge, replicas, true),
                std::min(replicas, resolved(spec.rolling.max_unavailable, replicas, false))};
  // Shares of few pods can both be none; then no pod could ever be replaced.
  if (bounds.surge == 0 && bounds.unavailable == 0) bounds.unavailable = 1;
  return bounds;
}

DeploymentPlan plan_deployment(const DeploymentFacts& facts, WallTime now) {
  return Planner(facts, now).run();
}

}  // namespace mete::agent
