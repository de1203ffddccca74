// SPDX-License-Identifier: Apache-2.0
// The CPUs that a container may run on: some of its own, or those that are shared.
#include "agent/enforcement/enforcement.h"
#include "agent/pods/container.h"
#include "agent/pods/pod.h"
#include "enforcers/core_assignment.h"
#include "runtime/cgroup/cpu.h"

namespace mete::agent {

// Before asked_limits(), whenever its policy may be another one. What it gets is in its record before it is written.
void Container::see_to_cores() {
  auto& own = record();
  const auto* const policy = this->policy();
  const bool wanted = policy != nullptr && policy->cpu.exclusive && !policy->dry_run && spec() != nullptr;
  if (!wanted) {
    cores_told_.clear();
    return give_up_cores();
  }
  const auto count = enforcers::whole_cores(pod_.plan()->pod.spec, *spec());
  const auto cores = count ? enforcement_.cores().claim(cgroup_.path(), *count) : tl::unexpected(count.error());
  if (!cores) {
    give_up_cores();
    if (std::exchange(cores_told_, cores.error().what) != cores.error().what) {
      pod_.tell(Severity::kWarning, "NotEnforced", own.name,
                "cpu.exclusive: container " + own.name + " shares its CPUs with others: " + cores.error().what);
    }
    return;
  }
  if (own.cores == *cores) return;
  own.cores = *cores;
  pod_.save(runtime::Durability::volatile_);
  services_.instruments.enforcement("cpu", "exclusive", "done");
  pod_.tell(Severity::kNormal, "CpusAssigned", own.name,
            "Container " + own.name + " has the CPUs " + enforcers::cpu_list_text(*cores) + " to itself",
            {{"cpus", enforcers::cpu_list_text(*cores)}});
}

void Container::give_up_cores() {
  enforcement_.cores().release(cgroup_.path());
  record().cores.clear();
}

// What an earlier agent gave it: taken before anybody else can ask for it.
void Container::adopt_cores() {
  auto& own = record();
  if (!own.cores.empty() && !enforcement_.cores().adopt(cgroup_.path(), own.cores)) own.cores.clear();
}

void Container::share_cpus() {
  if (record().cgroup_id == 0 || spec() == nullptr || !record().cores.empty()) return;
  const std::string cpus = enforcement_.cores().shared();
  if (cpus.empty() || limits_.cpuset_cpus == cpus) return;
  runtime::cgroup::Limits only;
  only.cpuset_cpus = cpus;
  const auto applied = cgroup_.apply(only);
  if (applied) {
    limits_.cpuset_cpus = cpus;
    limits_are_written();
  }
  if (!applied && !runtime::cgroup::is_gone(applied.error()))
    pod_.tell(Severity::kWarning, "LimitFailed", record().name, applied.error().what);
}

// An agent may have died between giving CPUs back and telling those who share them.
std::string Container::leftover_cpus() const {
  const auto& all = enforcement_.cores().all();
  if (!limits_.cpuset_cpus.empty() || all.empty()) return {};
  const auto found = runtime::cgroup::assigned_cpus(cgroup_);
  const auto list = found ? enforcers::parse_cpu_list(*found) : std::nullopt;
  return list && !list->empty() && enforcers::cpu_list_text(*list) != all ? all : std::string();
}

}  // namespace mete::agent
