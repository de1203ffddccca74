// SPDX-License-Identifier: Apache-2.0
// The table of a policy's actions on memory: one row per action. The reader, the JSON Schema, names in events and
// records, and the tables of docs/policies.md are made from it. agent/enforcement selects the code of an action by a
// `switch` over the same enums without `default`, so that the compiler names an action that is missing there.
//
// A new action: an enumerator in policy.h, a row here, its execution in agent/enforcement.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/model/policy.h"

namespace mete::config {

struct PolicyAction {
  std::string_view name;

  // The action in memory.at[].do; empty: not allowed there.
  std::optional<ThresholdAction> at = {};
  std::array<std::string_view, 2> needs = {};  // fields beside `do` that must be there
  bool alone = false;                          // needs nothing beside it: pressure and thrashing take it too
  bool repeated = false;                       // each second, as long as usage is above the threshold
  bool for_others = true;                      // for cgroups of others too, which mete has not launched
  std::string_view does = {};                  // for docs/policies.md
  std::string_view fields = {};

  // The action in memory.onOOM.
  std::optional<OnOom> on_oom = {};
  std::string_view does_on_oom = {};

  // The action in memory.at[].then, after `do: freeze`.
  std::optional<AfterFreeze> after_freeze = {};
};

inline constexpr std::array kPolicyActions = std::to_array<PolicyAction>({
    {.name = "signal",
     .at = ThresholdAction::kSignal,
     .needs = {"signal"},
     .does = "sends a signal to the container's first process",
     .fields = "`signal`: SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGUSR1, SIGUSR2, SIGTERM, SIGCONT, SIGTSTP, SIGURG or "
               "SIGWINCH. SIGKILL and SIGSTOP are refused: use `kill-*` or `freeze`"},
    {.name = "reclaim",
     .at = ThresholdAction::kReclaim,
     .alone = true,
     .repeated = true,
     .does = "reclaims memory until usage is 10 % of the limit below the threshold, or nothing more can be reclaimed"},
    {.name = "exec",
     .at = ThresholdAction::kExec,
     .needs = {"command"},
     .for_others = false,
     .does = "runs a command inside the container",
     .fields = "`command`; `timeout` (30 s if absent), after which mete kills the command"},
    {.name = "freeze",
     .at = ThresholdAction::kFreeze,
     .needs = {"timeout", "then"},  // nothing stays frozen for ever
     .does = "freezes the container, so that a person or a program can look at it; after `timeout` mete does `then`",
     .fields = "`timeout`; `then`: `thaw`, `kill-process`, `kill-container`"},
    {.name = "raise",
     .at = ThresholdAction::kRaise,
     .does = "raises the memory limit, as `memory.raise` says",
     .fields = "`memory.raise` is required",
     .on_oom = OnOom::kRaise,
     .does_on_oom = "mete raises the limit, as `memory.raise` says; if it cannot, it kills the container"},
    {.name = "restart",
     .at = ThresholdAction::kRestart,
     .alone = true,
     .repeated = true,
     .for_others = false,
     .does = "restarts the container: preStop hook, stop signal, grace period, SIGKILL, start; whatever the "
             "`restartPolicy`"},
    {.name = "kill-container",
     .at = ThresholdAction::kKillContainer,
     .alone = true,
     .repeated = true,
     .does = "kills all processes of the container; its `restartPolicy` decides whether it starts again",
     .on_oom = OnOom::kKillContainer,
     .does_on_oom = "the kernel kills one process, and all other processes of the container are killed too. This is "
                    "also the default for pods",
     .after_freeze = AfterFreeze::kKillContainer},
    {.name = "kill-process",
     .at = ThresholdAction::kKillProcess,
     .alone = true,
     .repeated = true,
     .does = "kills the process that the kernel's OOM killer would choose",
     .on_oom = OnOom::kKillProcess,
     .does_on_oom = "the kernel kills one process; the others keep running",
     .after_freeze = AfterFreeze::kKillProcess},
    {.name = "hold",
     .on_oom = OnOom::kHold,
     .does_on_oom = "a process that hits the limit blocks until memory is freed or the limit is raised. After "
                    "`hold.timeout` mete does `hold.then`: `raise` (and `kill-container` if that fails), "
                    "`kill-process` or `kill-container`"},
    {.name = "thaw", .after_freeze = AfterFreeze::kThaw},
});

// The names of an enum's values, in the enum's order.
template <auto Member>
consteval auto action_names() {
  constexpr auto kCount = [] {
    std::size_t count = 0;
    for (const auto& row : kPolicyActions) count += (row.*Member).has_value() ? 1 : 0;
    return count;
  }();
  std::array<std::string_view, kCount> names{};
  for (const auto& row : kPolicyActions) {
    if (!(row.*Member)) continue;
    names.at(static_cast<std::size_t>(*(row.*Member))) = row.name;
  }
  return names;
}

consteval auto lone_action_names() {
  constexpr auto kCount = [] {
    std::size_t count = 0;
    for (const auto& row : kPolicyActions) count += row.alone ? 1 : 0;
    return count;
  }();
  std::array<std::string_view, kCount> names{};
  std::size_t next = 0;
  for (const auto& row : kPolicyActions) {
    if (row.alone) names.at(next++) = row.name;
  }
  return names;
}

inline constexpr auto kThresholdActionNames = action_names<&PolicyAction::at>();
inline constexpr auto kOnOomNames = action_names<&PolicyAction::on_oom>();
inline constexpr auto kAfterFreezeNames = action_names<&PolicyAction::after_freeze>();
inline constexpr auto kLoneActionNames = lone_action_names();

// One row for each value of each enum. Two rows for one value would leave another value without a name.
template <class Names, class Enum>
consteval bool is_complete(const Names& names, Enum last) {
  for (const auto name : names) {
    if (name.empty()) return false;
  }
  return names.size() == static_cast<std::size_t>(last) + 1;
}
static_assert(is_complete(kThresholdActionNames, ThresholdAction::kKillProcess));
static_assert(is_complete(kOnOomNames, OnOom::kRaise));
static_assert(is_complete(kAfterFreezeNames, AfterFreeze::kThaw));

[[nodiscard]] constexpr std::string_view to_string(ThresholdAction action) {
  return kThresholdActionNames.at(static_cast<std::size_t>(action));
}
[[nodiscard]] constexpr std::string_view to_string(OnOom action) {
  return kOnOomNames.at(static_cast<std::size_t>(action));
}
[[nodiscard]] constexpr std::string_view to_string(AfterFreeze action) {
  return kAfterFreezeNames.at(static_cast<std::size_t>(action));
}

// The row of an action on a threshold.
[[nodiscard]] constexpr const PolicyAction& row_of(ThresholdAction action) {
  for (const auto& row : kPolicyActions) {
    if (row.at == action) return row;
  }
  return kPolicyActions.front();  // not reached: see the static_asserts
}

// The tables of docs/policies.md, in Markdown: of memory.at[].do and of memory.onOOM.
[[nodiscard]] std::string threshold_actions_table();
[[nodiscard]] std::string oom_actions_table();

}  // namespace mete::config
