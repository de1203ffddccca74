// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <csignal>

#include "config/diagnostics.h"
#include "config/fields.h"
#include "config/names.h"
#include "config/quantity.h"
#include "config/readers.h"

namespace mete::config {
namespace {

constexpr Ratio kOne(1'000'000);

struct SignalName {
  std::string_view name;
  int number;
};
constexpr std::array kSignals = std::to_array<SignalName>({
    {"SIGHUP", SIGHUP},
    {"SIGINT", SIGINT},
    {"SIGQUIT", SIGQUIT},
    {"SIGABRT", SIGABRT},
    {"SIGKILL", SIGKILL},
    {"SIGUSR1", SIGUSR1},
    {"SIGUSR2", SIGUSR2},
    {"SIGTERM", SIGTERM},
    {"SIGCONT", SIGCONT},
    {"SIGSTOP", SIGSTOP},
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
  if (view) view.error(mismatch(describe(view.node()), one_of(names)));
  return 0;
}

// Reports an amount that is outside [least, most]; empty optionals pass.
template <class T>
void check_range(const View& view, const std::optional<T>& value, T least, T most, const std::string& expected) {
  if (value && (*value < least || *value > most)) view.error(mismatch(describe(view.node()), expected));
}

Ratio read_share(const View& view) {
  const auto share = read_with(view, parse_percent);
  check_range(view, share, Ratio(1), kOne, "more than 0% and at most 100%");
  return share.value_or(Ratio());
}

Duration read_time(const View& view) {
  const auto time = read_with(view, parse_duration);
  check_range(view, time, Duration(1), Duration::max(), "more than 0");
  return time.value_or(Duration());
}

template <class T>
T read_amount(const View& view, Result<T> (*parse)(std::string_view), T least, const std::string& expected) {
  const auto amount = read_with(view, parse);
  check_range(view, amount, least, T(std::numeric_limits<std::int64_t>::max()), expected);
  return amount.value_or(T());
}

std::optional<Bytes> read_bytes(const View& view) {
  if (!view) return std::nullopt;
  return read_amount(view, parse_bytes, Bytes(1), "more than 0");
}

Selector read_selector(const View& view) {
  Selector selector;
  selector.match_labels = read_labels(view["matchLabels"]);
  for (const auto& item : view["matchExpressions"].items()) {
    LabelExpression expression{item["key"].text(),
                               read_enum(item["operator"], kLabelOperatorNames, LabelOperator::kExists),
                               item["values"].texts()};
    if (item["key"]) item["key"].check(check_label_key(expression.key));
    const bool wants = expression.op == LabelOperator::kIn || expression.op == LabelOperator::kNotIn;
    if (wants == expression.values.empty()) {
      item.error(mismatch(wants ? "no values" : "values", wants ? "at least one value" : "none with this operator"));
    }
    selector.match_expressions.push_back(std::move(expression));
  }
  selector.cgroups = view["cgroups"].texts();
  for (const auto& item : view["cgroups"].items()) item.check(check_absolute_path(item.text()));
  const bool labels = !selector.match_labels.empty() || !selector.match_expressions.empty();
  if (view && labels == !selector.cgroups.empty()) {
    view.error(mismatch(labels ? "labels and cgroups" : "nothing to select by",
                        "either matchLabels and matchExpressions, or cgroups"));
  }
  return selector;
}

CpuPolicy read_cpu(const View& view) {
  CpuPolicy cpu;
  cpu.burst = read_with(view["burst"], parse_duration);
  if (cpu.burst && *cpu.burst % std::chrono::microseconds(1) != Duration(0)) {
    view["burst"].error(mismatch(describe(view["burst"].node()), "whole microseconds"));
  }
  cpu.exclusive = view["exclusive"].boolean();
  cpu.idle = view["idle"].boolean();
  if (cpu.exclusive && cpu.idle) view["idle"].error(mismatch("`idle` and `exclusive`", "one of them"));
  const View boost = view["boost"];
  if (!boost) return cpu;
  cpu.boost = CpuBoost{read_share(boost["whenThrottled"]), read_time(boost["for"]),
                       read_amount(boost["factor"], parse_factor, kOne + Ratio(1), "a factor above 1"), std::nullopt,
                       read_time(boost["coolDown"])};
  if (boost["max"]) cpu.boost->max = read_amount(boost["max"], parse_percent, kOne, "at least 100%");
  return cpu;
}

MemoryThreshold read_threshold(const View& view) {
  MemoryThreshold threshold;
  threshold.usage = read_share(view["usage"]);
  threshold.action = read_enum(view["do"], kThresholdActionNames, ThresholdAction::kReclaim);
  if (threshold.action == ThresholdAction::kSignal) {
    if (!view["signal"]) view.error({"`signal` is missing: `do: signal` needs it", "nothing", "`signal`"});
    threshold.signal = read_signal(view["signal"]);
  }
  if (threshold.action == ThresholdAction::kExec) {
    threshold.command = view["command"].texts();
    if (threshold.command.empty()) view.error({"`command` is missing: `do: exec` needs it", "nothing", "`command`"});
    if (view["timeout"]) threshold.timeout = read_time(view["timeout"]);
  }
  if (threshold.action == ThresholdAction::kFreeze) {
    // Nothing stays frozen for ever.
    for (const char* field : {"timeout", "then"}) {
      const std::string quoted = "`" + std::string(field) + "`";
      if (!view[field]) view.error({quoted + " is missing: `do: freeze` needs it", "nothing", quoted});
    }
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

// Whoever asks for a raise says by how much.
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

MemoryPolicy read_memory(const View& view) {
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

// At least one, as the kernel counts them.
Duration read_microseconds(const View& view) {
  const Duration time = read_time(view);
  if (time % std::chrono::microseconds(1) != Duration(0)) view.error(mismatch(describe(view.node()), "whole microseconds"));
  return time;
}

IoPolicy read_io(const View& view) {
  IoPolicy io;
  io.weight = view["weight"].integer();
  std::set<std::string> paths;
  for (const auto& item : view["devices"].items()) {
    io.devices.push_back({item["path"].text(), read_bytes(item["readBps"]), read_bytes(item["writeBps"]),
                          read_with(item["readIops"], parse_count), read_with(item["writeIops"], parse_count), std::nullopt});
    if (item["latency"]) io.devices.back().latency = read_microseconds(item["latency"]);
    if (item["path"]) item["path"].check(check_absolute_path(item["path"].text()));
    check_unique(item["path"], "device", paths);
  }
  return io;
}

std::vector<DevicePermission> read_devices(const View& view) {
  std::vector<DevicePermission> devices;
  std::set<std::string> paths;
  for (const auto& item : view.items()) {
    DevicePermission device{item["path"].text()};
    // No root file system of a container opens devices; its /dev does.
    if (item["path"] && (!device.path.starts_with("/dev/") || !check_absolute_path(device.path))) item["path"].error(mismatch(describe(item["path"].node()), "a path below /dev"));
    check_unique(item["path"], "device", paths);
    if (const View access = item["access"]) {
      device.access = access.text();
      std::set<char> letters(device.access.begin(), device.access.end());
      if (device.access.empty() || letters.size() != device.access.size() || device.access.find_first_not_of("rwm") != std::string::npos) {
        access.error(mismatch(describe(access.node()), "some of the letters r, w and m"));
      }
    }
    devices.push_back(std::move(device));
  }
  return devices;
}

// "10:1" -> 0x100001, as tc(8) writes classes.
std::optional<std::uint32_t> read_class_id(const View& view) {
  if (!view) return std::nullopt;
  const std::string text = view.text();
  const auto part = [](std::string_view digits) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size() || value > 0xFFFF) return std::nullopt;
    return value;
  };
  const std::size_t colon = text.find(':');
  const auto major = colon == std::string::npos ? std::nullopt : part(std::string_view(text).substr(0, colon));
  const auto minor = colon == std::string::npos ? std::nullopt : part(std::string_view(text).substr(colon + 1));
  if (!major || !minor || *major == 0) {
    view.error(mismatch(describe(view.node()), "a class MAJOR:MINOR in hexadecimal digits, each at most ffff, such as \"10:1\""));
    return std::nullopt;
  }
  return *major << 16U | *minor;
}

}  // namespace

Policy read_policy(const View& view) {
  Policy policy;
  policy.location = view.location();
  policy.metadata = read_metadata(view["metadata"]);
  const View spec = view["spec"];
  policy.selector = read_selector(spec["selector"]);
  policy.dry_run = spec["dryRun"].boolean();
  policy.drift = read_enum(spec["drift"], kOnDriftNames, OnDrift::kRestore);
  policy.cpu = read_cpu(spec["cpu"]);
  policy.memory = read_memory(spec["memory"]);
  policy.io = read_io(spec["io"]);
  policy.pids.max = read_with(spec["pids"]["max"], parse_count);
  policy.devices = {read_devices(spec["devices"]["allow"]), read_devices(spec["devices"]["deny"])};
  policy.net_cls.class_id = read_class_id(spec["netCls"]["classId"]);
  if (const View guard = spec["guard"]) {
    policy.guard = GuardPolicy{read_with(guard["maxKills"], parse_count).value_or(0), read_time(guard["per"])};
  }
  return policy;
}

}  // namespace mete::config
