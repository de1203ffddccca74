// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "config/model/diagnostics.h"
#include "config/model/policy_actions.h"
#include "config/reading/fields.h"
#include "config/reading/policy_readers.h"
#include "config/values/names.h"

namespace mete::config {

Selector read_label_selector(const View& view) {
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
  return selector;
}

namespace {

Selector read_selector(const View& view) {
  Selector selector = read_label_selector(view);
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
                       read_amount(boost["factor"], parse_factor, kWhole + Ratio(1), "a factor above 1"), std::nullopt,
                       read_time(boost["coolDown"])};
  if (boost["max"]) cpu.boost->max = read_amount(boost["max"], parse_percent, kWhole, "at least 100%");
  return cpu;
}

// Reads a time of at least one microsecond, the kernel's unit.
Duration read_microseconds(const View& view) {
  const Duration time = read_time(view);
  if (time % std::chrono::microseconds(1) != Duration(0))
    view.error(mismatch(describe(view.node()), "whole microseconds"));
  return time;
}

IoPolicy read_io(const View& view) {
  IoPolicy io;
  io.weight = view["weight"].integer();
  std::set<std::string> paths;
  for (const auto& item : view["devices"].items()) {
    io.devices.push_back({item["path"].text(), read_bytes(item["readBps"]), read_bytes(item["writeBps"]),
                          read_with(item["readIops"], parse_count), read_with(item["writeIops"], parse_count),
                          std::nullopt});
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
    // Device nodes work only in a container's /dev, not elsewhere in its root file system.
    if (item["path"] && (!device.path.starts_with("/dev/") || !check_absolute_path(device.path)))
      item["path"].error(mismatch(describe(item["path"].node()), "a path below /dev"));
    check_unique(item["path"], "device", paths);
    if (const View access = item["access"]) {
      device.access = access.text();
      std::set<char> letters(device.access.begin(), device.access.end());
      if (device.access.empty() || letters.size() != device.access.size() ||
          device.access.find_first_not_of("rwm") != std::string::npos) {
        access.error(mismatch(describe(access.node()), "some of the letters r, w and m"));
      }
    }
    devices.push_back(std::move(device));
  }
  return devices;
}

// "10:1" -> 0x100001; tc(8) writes classes in this form.
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
    view.error(mismatch(describe(view.node()),
                        "a class MAJOR:MINOR in hexadecimal digits, each at most ffff, such as \"10:1\""));
    return std::nullopt;
  }
  return *major << 16U | *minor;
}

// Refuses what only the launcher of a container can carry out.
void check_for_cgroups(const Policy& policy, const View& spec) {
  if (policy.selector.cgroups.empty()) return;
  if (!policy.network.empty())
    spec["network"].error(mismatch("`network` for cgroups of others",
                                   "it for pods: a cgroup has no network of its own (netCls marks what it sends)"));
  const auto refuse = [](const View& action, ThresholdAction what) {
    if (row_of(what).for_others) return;
    action.error(mismatch("`do: " + action.text() + "` for cgroups of others",
                          "another action: restart and exec are for pods, which mete launches"));
  };
  const View memory = spec["memory"];
  std::size_t index = 0;
  for (const auto& item : memory["at"].items()) refuse(item["do"], policy.memory.at[index++].action);
  if (policy.memory.pressure && memory["pressure"]["do"])
    refuse(memory["pressure"]["do"], policy.memory.pressure->action);
  if (policy.memory.thrashing && memory["thrashing"]["do"])
    refuse(memory["thrashing"]["do"], policy.memory.thrashing->action);
}

}  // namespace

Policy read_policy(const View& view) {
  Policy policy;
  policy.location = view.location();
  policy.metadata = read_metadata(view);
  const View spec = view["spec"];
  policy.selector = read_selector(spec["selector"]);
  policy.dry_run = spec["dryRun"].boolean();
  policy.drift = read_enum(spec["drift"], kOnDriftNames, OnDrift::kRestore);
  policy.cpu = read_cpu(spec["cpu"]);
  policy.memory = read_memory_policy(spec["memory"]);
  policy.io = read_io(spec["io"]);
  policy.pids.max = read_with(spec["pids"]["max"], parse_count);
  policy.devices = {read_devices(spec["devices"]["allow"]), read_devices(spec["devices"]["deny"])};
  policy.net_cls.class_id = read_class_id(spec["netCls"]["classId"]);
  policy.network = read_bandwidth(spec["network"]);
  if (const View guard = spec["guard"]) {
    policy.guard = GuardPolicy{read_with(guard["maxKills"], parse_count).value_or(0), read_time(guard["per"])};
  }
  check_for_cgroups(policy, spec);
  return policy;
}

}  // namespace mete::config
