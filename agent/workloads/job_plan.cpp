// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/job_plan.h"

#include <algorithm>
#include <utility>

#include "agent/workloads/failure_rule.h"
#include "agent/workloads/job_indexes.h"
#include "agent/workloads/success_rule.h"

namespace mete::agent {
namespace {

class JobPlanner {
 public:
  JobPlanner(const config::JobSpec& spec, const JobStatus& before, const std::vector<Child>& children,
             const JobBackoff& backoff, WallTime now)
      : spec_(spec), children_(children), backoff_(backoff), now_(now) {
    plan_.status = before;
  }

  JobPlan run() {
    forget_gone();
    if (status().end != JobEnd::kNone) {
      expire();
      return std::move(plan_);
    }
    forget_indexes_beyond();
    if (!spec_.suspend && (status().started == WallTime() || status().suspended)) status().started = now_;
    if (std::exchange(status().suspended, spec_.suspend) != spec_.suspend) status().suspension_changed = now_;
    for (const auto& child : children_) {
      if (!status().counted.contains(child.uid)) count_end(child);
    }
    judge();
    if (status().reason.empty() && status().success_rule < 0) {
      status().success_rule = met_rule(spec_, status().completed);
      if (status().success_rule >= 0) status().decided = now_;
    }
    if (!status().reason.empty()) {
      fail_now();
    } else if (is_complete() || status().success_rule >= 0) {
      complete();
    } else if (spec_.suspend) {
      remove(active_children(), false);
    } else {
      manage();
    }
    return std::move(plan_);
  }

 private:
  JobStatus& status() { return plan_.status; }

  void forget_gone() {
    std::erase_if(status().counted, [&](const std::string& uid) {
      return std::none_of(children_.begin(), children_.end(), [&](const Child& child) { return child.uid == uid; });
    });
  }

  // `completions` was lowered. When it is raised again, these are begun anew.
  void forget_indexes_beyond() {
    if (!spec_.indexed) return;
    const int end = spec_.completions.value_or(0);
    status().completed.erase(status().completed.lower_bound(end), status().completed.end());
    status().failed_indexes.erase(status().failed_indexes.lower_bound(end), status().failed_indexes.end());
    status().failures.erase(status().failures.lower_bound(end), status().failures.end());
    status().succeeded = static_cast<int>(status().completed.size());
  }

  void expire() {
    if (!spec_.ttl_seconds_after_finished) return;
    const WallTime end = status().ended + std::chrono::seconds(*spec_.ttl_seconds_after_finished);
    plan_.expired = end <= now_;
    if (!plan_.expired) look_at(plan_.look_again, end);
  }

  void count_end(const Child& child) {
    if (child.phase == PodPhase::kSucceeded) {
      status().counted.insert(child.uid);
      succeeded(child);
    } else if (child.phase == PodPhase::kFailed || (child.terminating && !spec_.replace_failed_only)) {
      status().counted.insert(child.uid);
      failed(child);
    }
  }

  void succeeded(const Child& child) {
    if (!has_index_of(spec_, child)) return;
    status().failures_in_a_row = 0;
    if (!spec_.indexed) {
      ++status().succeeded;
      return;
    }
    status().completed.insert(child.index);  // more pods of an index than one count once
    status().succeeded = static_cast<int>(status().completed.size());
  }

  void failed(const Child& child) {
    const auto met = child.phase == PodPhase::kFailed ? met_failure_rule(spec_, child) : MetFailureRule{};
    const auto is = [&](config::FailureAction action) { return met.rule != nullptr && met.rule->action == action; };
    if (is(config::FailureAction::kIgnore)) return;
    if (is(config::FailureAction::kFailJob)) fail_with("PodFailurePolicy", met.message);
    if (!has_index_of(spec_, child)) return;
    ++status().failed;
    ++status().failures_in_a_row;
    const WallTime at = child.finished != WallTime() ? child.finished : now_;
    status().last_failure = std::max(status().last_failure, at);
    if (!spec_.backoff_limit_per_index || !spec_.indexed) return;
    auto& failures = status().failures[child.index];
    ++failures.count;
    failures.last = std::max(failures.last, at);
    if (is(config::FailureAction::kFailIndex) || failures.count > *spec_.backoff_limit_per_index)
      status().failed_indexes.insert(child.index);
  }

  void fail_with(const char* reason, std::string message) {
    if (!status().reason.empty()) return;
    status().decided = now_;
    status().reason = reason;
    status().message = std::move(message);
  }

  void judge() {
    if (!status().reason.empty()) return;
    if (status().success_rule >= 0 || (is_complete() && active_children().empty())) return;
    if (spec_.active_deadline_seconds && !spec_.suspend) {
      const WallTime end = status().started + std::chrono::seconds(*spec_.active_deadline_seconds);
      if (end <= now_) return fail_with("DeadlineExceeded", "Job was active longer than specified deadline");
      look_at(plan_.look_again, end);
    }
    if (status().failed > spec_.backoff_limit || too_many_restarts())
      return fail_with("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    if (!spec_.backoff_limit_per_index) return;
    const auto lost = status().failed_indexes.size();
    if (spec_.max_failed_indexes && lost > static_cast<std::size_t>(*spec_.max_failed_indexes))
      return fail_with("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
    if (lost > 0 && lost + status().completed.size() >= static_cast<std::size_t>(spec_.completions.value_or(0)))
      fail_with("FailedIndexes", "Job has failed indexes");
  }

  // With restartPolicy OnFailure a failure is a restart of a container.
  [[nodiscard]] bool too_many_restarts() const {
    if (spec_.pod.spec.restart_policy != config::RestartPolicy::kOnFailure) return false;
    std::uint64_t restarts = 0;
    for (const auto& child : children_) {
      if (is_active(child)) restarts += child.restarts;
    }
    if (spec_.backoff_limit == 0) return restarts > 0;
    return restarts >= static_cast<std::uint64_t>(spec_.backoff_limit);
  }

  [[nodiscard]] bool is_complete() {
    if (!spec_.completions) return status().succeeded > 0 && active_children().empty();
    return status().succeeded >= *spec_.completions;
  }

  [[nodiscard]] std::vector<Child> active_children() const {
    std::vector<Child> active;
    std::copy_if(children_.begin(), children_.end(), std::back_inserter(active), is_active);
    return active;
  }
  [[nodiscard]] int terminating() const {
    return static_cast<int>(std::count_if(children_.begin(), children_.end(), [](const Child& child) {
      return child.terminating && child.phase != PodPhase::kSucceeded && child.phase != PodPhase::kFailed;
    }));
  }

  // `count`: they are failures of the Job; not, when nobody wants them any more.
  void remove(const std::vector<Child>& children, bool count) {
    for (const auto& child : children) {
      plan_.remove.push_back(child.name);
      if (status().counted.insert(child.uid).second && count && has_index_of(spec_, child)) ++status().failed;
    }
  }

  void fail_now() {
    const auto active = active_children();
    remove(active, true);
    if (active.empty() && terminating() == 0) end_with(JobEnd::kFailed);
  }

  void complete() {
    const auto active = active_children();
    remove(active, false);
    if (active.empty() && terminating() == 0) end_with(JobEnd::kComplete);
  }

  void end_with(JobEnd end) {
    status().end = end;
    status().ended = now_;
    expire();
  }

  void manage() {
    const auto active = active_children();
    const auto running = static_cast<int>(active.size());
    const int wanted = wanted_pods(running);
    const auto dispensed = dispensable_of_job(spec_, active, std::max(0, running - wanted));
    if (!dispensed.empty()) {
      for (const auto& name : dispensed) {
        const auto at =
            std::find_if(active.begin(), active.end(), [&](const Child& child) { return child.name == name; });
        remove({*at}, false);
      }
      return;
    }
    const int missing = wanted - running - (spec_.replace_failed_only ? terminating() : 0);
    if (missing <= 0) return;
    if (!spec_.backoff_limit_per_index && waits(status().failures_in_a_row, status().last_failure)) return;
    if (spec_.indexed) {
      create_indexes(missing);
    } else {
      plan_.create.assign(static_cast<std::size_t>(missing), -1);
    }
  }

  [[nodiscard]] int wanted_pods(int running) {
    const int parallelism = spec_.parallelism.value_or(1);
    // A work queue: the first success says that nothing is left to be begun.
    if (!spec_.completions) return status().succeeded > 0 ? running : parallelism;
    const int left =
        *spec_.completions - status().succeeded - static_cast<int>(spec_.indexed ? status().failed_indexes.size() : 0);
    return std::max(0, std::min(parallelism, left));
  }

  // True: the next pod is not due yet.
  bool waits(int failures, WallTime last) {
    if (failures == 0) return false;
    auto delay = backoff_.first;
    for (int i = 1; i < failures && delay < backoff_.longest; ++i) delay *= 2;
    const WallTime due = last + std::min(delay, backoff_.longest);
    if (due <= now_) return false;
    look_at(plan_.look_again, due);
    return true;
  }

  void create_indexes(int missing) {
    std::set<int> taken;
    for (const auto& child : children_) {
      if (is_active(child) || (child.terminating && spec_.replace_failed_only)) taken.insert(child.index);
    }
    for (int index = 0; index < *spec_.completions && missing > 0; ++index) {
      if (taken.contains(index) || status().completed.contains(index) || status().failed_indexes.contains(index))
        continue;
      if (const auto failures = status().failures.find(index);
          failures != status().failures.end() && waits(failures->second.count, failures->second.last)) {
        continue;
      }
      plan_.create.push_back(index);
      --missing;
    }
  }

  const config::JobSpec& spec_;
  const std::vector<Child>& children_;
  const JobBackoff& backoff_;
  WallTime now_;
  JobPlan plan_;
};

}  // namespace

JobPlan plan_job(const config::JobSpec& spec, const JobStatus& before, const std::vector<Child>& children,
                 const JobBackoff& backoff, WallTime now) {
  return JobPlanner(spec, before, children, backoff, now).run();
}

}  // namespace mete::agent
