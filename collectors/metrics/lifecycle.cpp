// SPDX-License-Identifier: Apache-2.0
// Families from facts that only the launcher knows: kills, restarts, states, exit codes. Stopped containers have them
// too.
#include <array>
#include <string>

#include "collectors/metrics/family.h"

namespace mete::collectors {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;
constexpr std::string_view kCollector = "lifecycle";

void oom_kills(Lines& out, const Series& s) {
  if (!s.lifecycle) return;
  const OomCounts& kills = s.lifecycle->oom_kills;
  const auto* const known = s.lifecycle->last_ooms.get();
  const auto last = [&](auto OomExemplars::*kind) -> const Exemplar* {
    return known != nullptr && known->*kind ? &*(known->*kind) : nullptr;
  };
  out.add(kills.container, R"(scope="container",by="kernel")", last(&OomExemplars::container));
  if (s.lifecycle->policy_kills > 0)
    out.add(s.lifecycle->policy_kills, R"(scope="container",by="policy")", last(&OomExemplars::policy));
  // Kills of other scopes are rare: a line appears with the first kill.
  if (kills.nested > 0) out.add(kills.nested, R"(scope="nested",by="kernel")", last(&OomExemplars::nested));
  if (kills.pod > 0) out.add(kills.pod, R"(scope="pod",by="kernel")", last(&OomExemplars::pod));
  if (kills.ancestor > 0) out.add(kills.ancestor, R"(scope="ancestor",by="kernel")", last(&OomExemplars::ancestor));
  if (kills.host > 0) out.add(kills.host, R"(scope="host",by="kernel")", last(&OomExemplars::host));
}

void states(Lines& out, const Series& s) {
  if (!s.lifecycle) return;
  std::string extra;
  for (const RunState state : kRunStates) {
    extra = "state=\"";
    extra += to_string(state);
    extra += '"';
    out.add(std::uint64_t{s.lifecycle->state == state ? 1U : 0U}, extra);
  }
}

constexpr std::array<Family, 5> kFamilies = {{
    {kCollector, "mete_oom_kills_total", kCounter,
     "Kills for want of memory, a kill of a whole group counted once, by whose limit; over all restarts of the "
     "container "
     "and of the agent",
     "scope,by", "memory.oom_control oom_kill, also of the cgroups below",
     "memory.events and memory.events.local: oom, "
     "oom_kill, oom_group_kill, also of all ancestors",
     oom_kills, LabelsOf::kWorkload},
    {kCollector, "mete_container_restarts_total", kCounter, "Starts of the container that followed an end", "", "", "",
     [](Lines& out, const Series& s) {
       if (s.lifecycle) out.add(s.lifecycle->restarts);
     },
     LabelsOf::kWorkload},
    {kCollector, "mete_container_last_exit_code", kGauge,
     "Exit code of the last attempt that ended; 128 + signal for a killed one", "", "", "",
     [](Lines& out, const Series& s) {
       if (s.lifecycle && s.lifecycle->exit_code) out.add(static_cast<std::uint64_t>(*s.lifecycle->exit_code));
     },
     LabelsOf::kWorkload},
    {kCollector, "mete_container_memory_time_to_limit_seconds", kGauge,
     "Until memory usage, page cache included, reaches the limit at the rate of the last half second; absent when it "
     "does not grow",
     "", "memory.usage_in_bytes", "memory.current",
     [](Lines& out, const Series& s) {
       if (s.lifecycle && s.lifecycle->time_to_oom) out.add(*s.lifecycle->time_to_oom);
     },
     LabelsOf::kWorkload},
    {kCollector, "mete_container_state", kGauge, "1 for the state the container is in, 0 for the others", "state", "",
     "", states, LabelsOf::kWorkload},
}};

}  // namespace

std::span<const Family> lifecycle_families() {
  return kFamilies;
}

std::string_view to_string(RunState state) {
  constexpr std::array<std::string_view, 4> kNames = {"waiting", "starting", "running", "exited"};
  return kNames.at(static_cast<std::size_t>(state));
}

}  // namespace mete::collectors
