// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/container_cores.h"

#include "agent/enforcement/enforcement.h"
#include "agent/pods/pod.h"
#include "enforcers/core_assignment.h"
#include "runtime/cgroup/cpu.h"

namespace mete::agent {

void ContainerCores::reconcile() {
  auto& own = slot_.record();
  const auto* const policy = slot_.policy_in_force();
  if (policy == nullptr || !policy->cpu.exclusive || slot_.spec() == nullptr) {
    refusal_.clear();
    return give_up();
  }
  const auto count = enforcers::whole_cores(slot_.pod().plan()->pod.spec, *slot_.spec());
  const auto cores = count ? slot_.enforcement().cores().claim(group_.path(), *count) : tl::unexpected(count.error());
  if (!cores) {
    give_up();
    if (std::exchange(refusal_, cores.error().what) != cores.error().what)
      slot_.warn(Reason::kNotEnforced,
                 "cpu.exclusive: container " + own.name + " shares its CPUs with others: " + cores.error().what);
    return;
  }
  if (own.cores == *cores) return;
  own.cores = *cores;
  slot_.save(runtime::Durability::volatile_);
  slot_.services().instruments.enforcement("cpu", "exclusive", "done");
  slot_.report(Severity::kNormal, name_of(Reason::kCpusAssigned),
               "Container " + own.name + " has the CPUs " + enforcers::cpu_list_text(*cores) + " to itself",
               {{"cpus", enforcers::cpu_list_text(*cores)}});
}

void ContainerCores::give_up() {
  slot_.enforcement().cores().release(group_.path());
  slot_.record().cores.clear();
}

void ContainerCores::adopt() {
  auto& own = slot_.record();
  if (!own.cores.empty() && !slot_.enforcement().cores().adopt(group_.path(), own.cores)) own.cores.clear();
}

std::string ContainerCores::cpus() const {
  const auto& cores = slot_.record().cores;
  return cores.empty() ? slot_.enforcement().cores().shared() : enforcers::cpu_list_text(cores);
}

std::string ContainerCores::leftover() const {
  const auto& all = slot_.enforcement().cores().all();
  if (all.empty()) return {};
  const auto found = runtime::cgroup::assigned_cpus(group_);
  const auto list = found ? enforcers::parse_cpu_list(*found) : std::nullopt;
  return list && !list->empty() && enforcers::cpu_list_text(*list) != all ? all : std::string();
}

}  // namespace mete::agent
