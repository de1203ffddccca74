// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <csignal>

#include "config/model/policy_actions.h"
#include "config/reading/policy_readers.h"

namespace mete::config {
namespace {

struct SignalName {
  std::string_view name;
  int number;
};
constexpr std::array kSignals = std::to_array<SignalName>({
    {"SIGHUP", SIGHUP},
    {"SIGINT", SIGINT},
    {"SIGQUIT", SIGQUIT},
    {"SIGABRT", SIGABRT},
    {"SIGUSR1", SIGUSR1},
    {"SIGUSR2", SIGUSR2},
    {"SIGTERM", SIGTERM},
    {"SIGCONT", SIGCONT},
    {"SIGTSTP", SIGTSTP},
    {"SIGURG", SIGURG},
    {"SIGWINCH", SIGWINCH},
});

int read_signal(const View& view) {
  std::string name = view.text();
  if (name.rfind("SIG", 0) != 0) name.insert(0, "SIG");
  std::vector<std::string_view> names;
  for (const auto& signal : kSignals) {
    if (signal.name == name) return signal.number;
    names.push_back(signal.name);
  }
  // These signals would bypass guard, record and timeout.
  if (name == "SIGKILL" || name == "SIGSTOP") {
    view.error(mismatch(describe(view.node()), name == "SIGKILL" ? "`do: kill-process` or `do: kill-container`"
                                                                 : "`do: freeze`, which ends by itself"));
    return 0;
  }
  if (view) view.error(mismatch(describe(view.node()), one_of(names)));
  return 0;
}

MemoryThreshold read_threshold(const View& view) {
  MemoryThreshold threshold;
  threshold.usage = read_share(view["usage"]);
  threshold.action = read_enum(view["do"], kThresholdActionNames, ThresholdAction::kReclaim);
  const auto& row = row_of(threshold.action);
  for (const auto field : row.needs) {
    const std::string quoted = "`" + std::string(field) + "`";
    if (!field.empty() &&
        (!view[field] || (view[field].node().kind == YamlNode::Kind::kList && view[field].items().empty())))
      view.error({quoted + " is missing: `do: " + std::string(row.name) + "` needs it", "nothing", quoted});
  }
  if (threshold.action == ThresholdAction::kSignal) threshold.signal = read_signal(view["signal"]);
  if (threshold.action == ThresholdAction::kExec) {
    threshold.command = view["command"].texts();
    if (view["timeout"]) threshold.timeout = read_time(view["timeout"]);
  }
  if (threshold.action == ThresholdAction::kFreeze) {
    threshold.timeout = read_time(view["timeout"]);
    threshold.then = read_enum(view["then"], kAfterFreezeNames, AfterFreeze::kThaw);
  }
  return threshold;
}

MemoryPressure read_pressure(const View& view) {
  MemoryPressure pressure;
  if (view["some"]) pressure.some = read_share(view["some"]);
  if (view["full"]) pressure.full = read_share(view["full"]);
  if (!pressure.some && !pressure.full) view.error(mismatch("neither `some` nor `full`", "at least one of them"));
  pressure.over = read_time(view["for"]);
  pressure.action = read_enum(view["do"], kThresholdActionNames, ThresholdAction::kKillContainer);
  return pressure;
}

MemoryThrashing read_thrashing(const View& view) {
  return {read_amount(view["refaults"], parse_percent, Ratio(1), "more than 0%"), read_time(view["for"]),
          read_enum(view["do"], kThresholdActionNames, ThresholdAction::kKillContainer)};
}

// The action raise needs the amount.
void check_raise(const View& view, const MemoryPolicy& memory) {
  if (memory.raise) return;
  const auto missing = [](const View& where, const std::string& value) {
    where.error(mismatch("`" + value + ": raise`", "a field `memory.raise` that says how"));
  };
  for (const auto& item : view["at"].items()) {
    if (item["do"].text() == "raise") missing(item["do"], "do");
  }
  if (memory.hold && memory.hold->then == OnOom::kRaise) missing(view["hold"]["then"], "then");
}

}  // namespace

MemoryPolicy read_memory_policy(const View& view) {
  MemoryPolicy memory;
  for (const auto& item : view["at"].items()) memory.at.push_back(read_threshold(item));
  if (const View pressure = view["pressure"]) memory.pressure = read_pressure(pressure);
  if (const View thrashing = view["thrashing"]) memory.thrashing = read_thrashing(thrashing);
  memory.notify = view["notify"].boolean();
  memory.swap = read_with(view["swap"], parse_bytes);
  if (const View on_oom = view["onOOM"]) {
    memory.on_oom = read_enum(on_oom, kOnOomNames, OnOom::kKillContainer);
    const bool later = memory.on_oom == OnOom::kHold || memory.on_oom == OnOom::kRaise;
    if (later && !view[on_oom.text()]) {
      on_oom.error(mismatch("`onOOM: " + on_oom.text() + "`", "a field `" + on_oom.text() + "` that says how"));
    }
  }
  if (const View hold = view["hold"]) {
    memory.hold = OomHold{read_time(hold["timeout"]), read_enum(hold["then"], kOnOomNames, OnOom::kKillContainer)};
    if (memory.hold->then == OnOom::kHold) {
      hold["then"].error(mismatch("\"hold\"", "kill-container, kill-process or raise"));
    }
  }
  if (const View raise = view["raise"]) {
    memory.raise =
        OomRaise{read_amount(raise["by"], parse_percent, Ratio(1), "more than 0%"), read_bytes(raise["max"])};
  }
  check_raise(view, memory);
  return memory;
}

}  // namespace mete::config
