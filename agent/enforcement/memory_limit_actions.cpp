// SPDX-License-Identifier: Apache-2.0
// The actions that change a limit: raise, and lifting a memory.high.
#include <fcntl.h>

#include <algorithm>

#include "agent/enforcement/memory_actions.h"
#include "collectors/kernel/process_walk.h"
#include "enforcers/raise.h"
#include "runtime/cgroup/memory/memory.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

constexpr auto kRaiseSettles = std::chrono::milliseconds(20);

// The kernel lets a task sleep at memory.high for at most 2 s (MEMCG_MAX_HIGH_DELAY_JIFFIES).
constexpr auto kLongestSleep = std::chrono::milliseconds(2500);

// True: a process of the group is in a sleep that only SIGKILL ends, as at memory.high.
bool waits_in_kernel(const runtime::cgroup::Group& group) {
  const auto pids = group.processes().value_or(std::vector<pid_t>());
  return std::any_of(pids.begin(), pids.end(), [](pid_t pid) {
    const auto stat = runtime::read_file(AT_FDCWD, "/proc/" + std::to_string(pid) + "/stat");
    return stat && collectors::state_of_stat(*stat) == 'D';
  });
}

}  // namespace

Outcome MemoryActions::raise(const Trigger& trigger) {
  const auto* const policy = subject_.policy();
  const auto current = subject_.memory_limit();
  const auto wanted =
      policy == nullptr || !policy->memory.raise ? fail("the policy does not say by how much")
      : !current                                 ? fail("it has no memory limit of its own")
                 : enforcers::raised_limit(*policy->memory.raise, {subject_.original_limit().value_or(*current),
                                                                   *current, enforcement_.available_memory()});
  Incident incident(subject_, enforcement_, trigger,
                    begin_record(subject_, self_, enforcement_, trigger, gauge_.history()));
  Status done;
  if (!wanted) {
    done = tl::unexpected(wanted.error());
  } else {
    // Set before the raise: it polls again, and finds the processes still blocked.
    raised_until_ = std::chrono::steady_clock::now() + kRaiseSettles;
    done = executor().raise(subject_, *wanted);
  }
  const Outcome outcome = done ? executor().outcome_of(done) : Outcome::kFailed;
  if (wanted && outcome != Outcome::kDone) raised_until_ = {};
  incident.step(outcome == Outcome::kDone ? "raised" : "decided");
  const std::string to = wanted ? std::to_string(wanted->count()) : "";
  std::string text = sentence(trigger, "raise: " + std::string(to_string(outcome)));
  EventFields more;
  if (wanted) {
    text += ", from " + std::to_string(current->count()) + " to " + to + " bytes";
    more = {{"from", std::to_string(current->count())}, {"to", to}};
  }
  incident.finish(outcome, "raise", done ? "LimitRaised" : "LimitNotRaised", std::move(text), error_of(done),
                  std::move(more));
  return outcome;
}

void MemoryActions::lift_memory_high(const Trigger& trigger) {
  auto incident = begin_incident(trigger);
  const Status done = executor().lift_memory_high(subject_);
  const Outcome outcome = executor().outcome_of(done);
  incident.step(std::string(runtime::cgroup::kMemoryHigh) + " lifted");
  incident.finish(outcome, "lift-high", "StuckAtHigh",
                  sentence(trigger, "its " + std::string(runtime::cgroup::kMemoryHigh) +
                                        " is lifted: " + std::string(to_string(outcome))),
                  error_of(done));
  if (outcome == Outcome::kDone) report_when_awake(trigger, std::chrono::steady_clock::now() + kLongestSleep);
}

void MemoryActions::report_when_awake(const Trigger& trigger, Moment until) {
  constexpr auto kLook = std::chrono::milliseconds(100);
  awake_timer_.expires_after(kLook);
  awake_timer_.async_wait(alive_.guard([this, trigger, until] {
    if (std::chrono::steady_clock::now() < until && waits_in_kernel(subject_.cgroup()))
      return report_when_awake(trigger, until);
    services_.instruments.enforcement(trigger.enforcer, "release", "done");
    subject_.report(Severity::kNormal, name_of(Reason::kReleased), sentence(trigger, "it goes on"),
                    {{"rule", trigger.rule}});
  }));
}

}  // namespace mete::agent
