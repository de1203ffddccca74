// SPDX-License-Identifier: Apache-2.0
// How the kernel treats the process: scheduling, IO priority, personality, memory policy, CPU affinity.
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "runtime/process/child/child_context.h"

namespace mete::runtime::process {
namespace {

// The argument of sched_setattr(2). Debian 12's headers have it only in <linux/sched/types.h>, which collides with
// <sched.h>.
struct SchedulingAttributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime;
  std::uint64_t deadline;
  std::uint64_t period;
};

void set_scheduling(const ChildContext& child, const Scheduling& wanted) {
  const SchedulingAttributes attributes{sizeof attributes, wanted.policy,  wanted.flags,    wanted.nice,
                                        wanted.priority,   wanted.runtime, wanted.deadline, wanted.period};
  child.must(::syscall(SYS_sched_setattr, 0, &attributes, 0), "set the scheduling policy");
}

void set_affinity(const ChildContext& child, const std::vector<std::uint64_t>& cpus) {
  child.must(::syscall(SYS_sched_setaffinity, 0, cpus.size() * sizeof cpus[0], cpus.data()), "set the CPU affinity");
}

}  // namespace

void execute(ChildContext& child, const Tune& op) {
  constexpr int kProcess = 1;  // IOPRIO_WHO_PROCESS
  const Tuning& tuning = op.tuning;
  if (!tuning.cpus.empty()) set_affinity(child, tuning.cpus);
  if (tuning.scheduling) set_scheduling(child, *tuning.scheduling);
  if (tuning.io_priority)
    child.must(::syscall(SYS_ioprio_set, kProcess, 0, *tuning.io_priority), "set the IO priority");
  if (tuning.personality) child.must(::personality(*tuning.personality), "set the personality");
  if (tuning.memory_policy) {
    const auto& nodes = tuning.memory_policy->nodes;
    // The kernel reads one bit less than the number that it is given.
    const unsigned long bits = nodes.empty() ? 0 : nodes.size() * 64 + 1;
    child.must(::syscall(SYS_set_mempolicy, tuning.memory_policy->mode, nodes.empty() ? nullptr : nodes.data(), bits),
               "set the memory policy");
  }
}

void execute(ChildContext& child, const SetAffinity& op) {
  set_affinity(child, op.cpus);
}

}  // namespace mete::runtime::process
