// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/best_effort_enforcer.h"

#include <algorithm>
#include <vector>

#include "agent/enforcement/enforcement.h"
#include "enforcers/best_effort.h"
#include "enforcers/qos.h"
#include "runtime/cgroup/cpu.h"

namespace mete::agent {
namespace {

constexpr auto kEvery = std::chrono::seconds(1);

bool is_best_effort(const Pod& pod) {
  return pod.plan() != nullptr && !pod.is_ending() &&
         enforcers::qos_of(pod.plan()->pod.spec) == enforcers::QosClass::kBestEffort;
}

}  // namespace

void BestEffortEnforcer::start() {
  if (!services_.settings.config.machine.best_effort_cpu) return;
  timer_.expires_after(kEvery);
  timer_.async_wait(alive_.guard([this] {
    poll();
    start();
  }));
}

std::optional<double> BestEffortEnforcer::used_by(const Pod& pod) {
  const auto usage = runtime::cgroup::cpu_usage(pod.cgroup());
  if (!usage) return std::nullopt;
  const auto now = std::chrono::steady_clock::now();
  const auto before = std::exchange(seen_[pod.record().uid], Seen{*usage, now});
  if (before.at == std::chrono::steady_clock::time_point() || *usage < before.usage || now <= before.at)
    return std::nullopt;
  return std::chrono::duration<double>(*usage - before.usage) / std::chrono::duration<double>(now - before.at);
}

void BestEffortEnforcer::poll() {
  const auto idle = enforcement_.idle_cpu().cores();
  std::vector<Pod*> pods;
  std::vector<enforcers::BestEffortPod> facts;
  enforcers::BestEffortFacts all;
  for (const auto& [key, pod] : reconciler_.pods()) {
    if (!is_best_effort(*pod)) continue;
    const auto used = used_by(*pod);
    if (!used) continue;
    pods.push_back(pod.get());
    facts.push_back({*used, pod->held_cpu()});
    all.used_best_effort += *used;
  }
  std::erase_if(seen_,
                [&](const auto& seen) { return std::chrono::steady_clock::now() - seen.second.at > 2 * kEvery; });
  if (!idle || pods.empty()) return;
  const auto& machine = services_.settings.config.machine;
  all.cpus = IdleCpu::cpus();
  all.reserved = static_cast<double>(machine.reserve_cpu.count()) / 1000;
  all.used = std::max(0.0, all.cpus - all.reserved - *idle);  // best_effort_budget() counts the reserve as used
  const double budget = enforcers::best_effort_budget(*machine.best_effort_cpu, all);
  const auto held = enforcers::hold_best_effort(budget, all.cpus, facts);
  for (std::size_t i = 0; i < pods.size(); ++i) {
    if (enforcers::differs(facts[i].held, held[i], all.cpus)) pods[i]->hold_cpu(held[i]);
  }
}

}  // namespace mete::agent
