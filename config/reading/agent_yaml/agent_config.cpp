// SPDX-License-Identifier: Apache-2.0
#include "config/model/agent_config.h"

#include <array>
#include <utility>

#include "config/model/diagnostics.h"
#include "config/reading/agent_yaml/alert_readers.h"
#include "config/reading/agent_yaml/devices_reader.h"
#include "config/reading/agent_yaml/export_reader.h"
#include "config/reading/agent_yaml/network_reader.h"
#include "config/reading/agent_yaml/registries.h"
#include "config/reading/agent_yaml/runtimes_reader.h"
#include "config/reading/agent_yaml/storage_reader.h"
#include "config/reading/fields.h"
#include "config/reading/yaml/shape.h"
#include "config/reading/yaml/view.h"
#include "config/reading/yaml/yaml_tree.h"
#include "config/values/names.h"
#include "config/values/quantity.h"

namespace mete::config {
namespace {

constexpr std::array kCollectorFields = std::to_array<FieldSpec>({
    {.name = "enable", .type = FieldType::kStringList, .doc = "Collectors that are off by default"},
    {.name = "disable", .type = FieldType::kStringList, .doc = "Collectors that are on by default"},
});
constexpr ObjectSpec kCollectorsSpec = {.name = "Collectors", .fields = kCollectorFields};

constexpr std::array kOutOfMemoryActions = std::to_array<std::string_view>({"kill-container", "report"});

constexpr std::array kReserveFields = std::to_array<FieldSpec>({
    {.name = "cpu", .type = FieldType::kCpu, .doc = "Taken off the weight of all pods together, and never lent"},
    {.name = "memory",
     .type = FieldType::kBytes,
     .doc = "Before less is available to the system, containers are ended"},
});
constexpr ObjectSpec kReserveSpec = {.name = "Reserve", .fields = kReserveFields};

constexpr std::array kPressureFields = std::to_array<FieldSpec>({
    {.name = "some", .type = FieldType::kPercent, .doc = "Share of time in which some task waited for memory"},
    {.name = "full", .type = FieldType::kPercent, .doc = "Share of time in which all waited"},
    {.name = "for", .type = FieldType::kDuration, .required = true, .doc = "How long it has to last"},
});
constexpr ObjectSpec kPressureSpec = {.name = "MachinePressure", .fields = kPressureFields};

constexpr std::array kOutOfMemoryFields = std::to_array<FieldSpec>({
    {.name = "pressure",
     .type = FieldType::kObject,
     .object = &kPressureSpec,
     .doc = "Of the whole machine: as good as out of memory"},
    {.name = "do",
     .type = FieldType::kString,
     .values = kOutOfMemoryActions,
     .doc = "kill-container: by priority, then usage above request, then size"},
    {.name = "protect", .type = FieldType::kStringList, .doc = "Patterns of NAMESPACE/NAME: pods that are never ended"},
});
constexpr ObjectSpec kOutOfMemorySpec = {.name = "OutOfMemory", .fields = kOutOfMemoryFields};

constexpr std::array kBestEffortFields = std::to_array<FieldSpec>({
    {.name = "cpu",
     .type = FieldType::kPercent,
     .required = true,
     .doc = "What all may use together before pods without requests are held back"},
});
constexpr ObjectSpec kBestEffortSpec = {.name = "BestEffort", .fields = kBestEffortFields};

constexpr std::array kIoCostLatencyFields = std::to_array<FieldSpec>({
    {.name = "percentile",
     .type = FieldType::kPercent,
     .required = true,
     .doc = "Of the requests that are to keep to it"},
    {.name = "latency", .type = FieldType::kDuration, .required = true, .doc = "What they may take"},
});
constexpr ObjectSpec kIoCostLatencySpec = {.name = "IoCostLatency", .fields = kIoCostLatencyFields};

constexpr std::array kIoCostModelFields = std::to_array<FieldSpec>({
    {.name = "readBps", .type = FieldType::kBytes, .required = true, .doc = "Bytes a second, in sequence"},
    {.name = "readSequentialIops",
     .type = FieldType::kCount,
     .required = true,
     .min = 1,
     .doc = "Operations a second, in sequence"},
    {.name = "readRandomIops",
     .type = FieldType::kCount,
     .required = true,
     .min = 1,
     .doc = "Operations a second, at random"},
    {.name = "writeBps", .type = FieldType::kBytes, .required = true, .doc = "Bytes a second, in sequence"},
    {.name = "writeSequentialIops",
     .type = FieldType::kCount,
     .required = true,
     .min = 1,
     .doc = "Operations a second, in sequence"},
    {.name = "writeRandomIops",
     .type = FieldType::kCount,
     .required = true,
     .min = 1,
     .doc = "Operations a second, at random"},
});
constexpr ObjectSpec kIoCostModelSpec = {.name = "IoCostModel", .fields = kIoCostModelFields};

constexpr std::array kIoCostFields = std::to_array<FieldSpec>({
    {.name = "path",
     .type = FieldType::kString,
     .required = true,
     .doc = "A disk, or a path on the file system that lies on it"},
    {.name = "read", .type = FieldType::kObject, .object = &kIoCostLatencySpec, .doc = "Latency goal of reads"},
    {.name = "write", .type = FieldType::kObject, .object = &kIoCostLatencySpec, .doc = "Latency goal of writes"},
    {.name = "min", .type = FieldType::kPercent, .doc = "So far at most is it turned down"},
    {.name = "max", .type = FieldType::kPercent, .doc = "So far at most is it turned up"},
    {.name = "model",
     .type = FieldType::kObject,
     .object = &kIoCostModelSpec,
     .doc = "What the disk can do, as tools/cgroup/iocost_coef_gen.py of the kernel measures it"},
});
constexpr ObjectSpec kIoCostSpec = {.name = "IoCost", .fields = kIoCostFields};

constexpr std::array kMachineFields = std::to_array<FieldSpec>({
    {.name = "reserve", .type = FieldType::kObject, .object = &kReserveSpec, .doc = "What is kept for the system"},
    {.name = "ioCost",
     .type = FieldType::kObjectList,
     .object = &kIoCostSpec,
     .doc = "The kernel's io.cost: IO by weight, on cgroup v2"},
    {.name = "bestEffort",
     .type = FieldType::kObject,
     .object = &kBestEffortSpec,
     .doc = "Pods without requests when the machine is loaded"},
    {.name = "outOfMemory",
     .type = FieldType::kObject,
     .object = &kOutOfMemorySpec,
     .doc = "When the machine itself runs out"},
});
constexpr ObjectSpec kMachineSpec = {.name = "Machine", .fields = kMachineFields};

constexpr std::array kWebFields = std::to_array<FieldSpec>({
    {.name = "configFile",
     .type = FieldType::kString,
     .doc = "Prometheus' web configuration file: TLS and passwords of --listen; a relative path begins at this file's "
            "folder"},
});
constexpr ObjectSpec kWebSpec = {.name = "Web", .fields = kWebFields};

constexpr std::array kFields = std::to_array<FieldSpec>({
    {.name = "alerts", .type = FieldType::kObject, .object = &kAlertsSpec, .doc = "Who is told when something suffers"},
    {.name = "collectors", .type = FieldType::kObject, .object = &kCollectorsSpec, .doc = "What is read"},
    {.name = "devices",
     .type = FieldType::kObject,
     .object = &kMachineDevicesSpec,
     .doc = "Where devices that pods ask for are described"},
    {.name = "export", .type = FieldType::kObject, .object = &kExportSpec, .doc = "What is exported"},
    {.name = "machine", .type = FieldType::kObject, .object = &kMachineSpec, .doc = "What is kept for the system"},
    {.name = "registries",
     .type = FieldType::kObject,
     .object = &kRegistriesSpec,
     .doc = "Where images are pulled from and pushed to"},
    {.name = "network", .type = FieldType::kObject, .object = &kNetworkSpec, .doc = "The network of pods"},
    {.name = "runtimes",
     .type = FieldType::kObjectList,
     .object = &kRuntimeSpec,
     .doc = "Other OCI runtimes, for the handlers of RuntimeClasses"},
    {.name = "storage", .type = FieldType::kObject, .object = &kStorageSpec, .doc = "The files of containers"},
    {.name = "web", .type = FieldType::kObject, .object = &kWebSpec, .doc = "How the address is guarded"},
});

std::optional<Ratio> read_ratio(const View& view, Ratio least, Ratio most, const std::string& expected) {
  const auto ratio = read_with(view, parse_percent);
  if (ratio && (*ratio < least || *ratio > most)) view.error(mismatch(describe(view.node()), expected));
  return ratio;
}

std::optional<IoCostLatency> read_io_latency(const View& view) {
  if (!view) return std::nullopt;
  IoCostLatency latency;
  latency.percentile =
      read_ratio(view["percentile"], Ratio(1), Ratio(1'000'000), "more than 0% and at most 100%").value_or(Ratio());
  latency.target = read_with(view["latency"], parse_duration).value_or(std::chrono::nanoseconds(0));
  if (view["latency"] && latency.target < std::chrono::microseconds(1))
    view["latency"].error(mismatch(describe(view["latency"].node()), "at least a microsecond"));
  return latency;
}

IoCost read_io_cost(const View& view) {
  constexpr Ratio kLeast(10'000);  // the kernel's bounds: 1 to 10000 %
  constexpr Ratio kMost(100'000'000);
  IoCost cost{.path = view["path"].text(),
              .read = read_io_latency(view["read"]),
              .write = read_io_latency(view["write"]),
              .min = {},
              .max = {},
              .model = {}};
  if (view["path"]) view["path"].check(check_absolute_path(cost.path));
  cost.min = read_ratio(view["min"], kLeast, kMost, "1% to 10000%");
  cost.max = read_ratio(view["max"], kLeast, kMost, "1% to 10000%");
  if (cost.min && cost.max && *cost.min > *cost.max) view["min"].error(mismatch("more than `max`", "at most `max`"));
  const View model = view["model"];
  if (!model) return cost;
  for (const auto& [field, word] :
       {std::pair("readSequentialIops", "rseqiops"), std::pair("readRandomIops", "rrandiops"),
        std::pair("writeSequentialIops", "wseqiops"), std::pair("writeRandomIops", "wrandiops")}) {
    cost.model[word] = read_with(model[field], parse_count).value_or(0);
  }
  for (const auto& [field, word] : {std::pair("readBps", "rbps"), std::pair("writeBps", "wbps")}) {
    cost.model[word] = read_with(model[field], parse_bytes).value_or(Bytes(0)).count();
    if (model[field] && cost.model[word] <= 0)
      model[field].error(mismatch(describe(model[field].node()), "more than 0"));
  }
  return cost;
}

MachinePolicy read_machine(const View& view) {
  constexpr Ratio kAll(1'000'000);
  MachinePolicy machine;
  const View reserve = view["reserve"];
  machine.reserve_memory = read_with(reserve["memory"], parse_bytes).value_or(Bytes(0));
  machine.reserve_cpu = read_with(reserve["cpu"], parse_cpu).value_or(MilliCpu(0));
  if (machine.reserve_memory < Bytes(0))
    reserve["memory"].error(mismatch(describe(reserve["memory"].node()), "0 or more"));
  if (machine.reserve_cpu < MilliCpu(0)) reserve["cpu"].error(mismatch(describe(reserve["cpu"].node()), "0 or more"));
  for (const auto& item : view["ioCost"].items()) machine.io_cost.push_back(read_io_cost(item));
  const View best_effort = view["bestEffort"]["cpu"];
  machine.best_effort_cpu = read_with(best_effort, parse_percent);
  if (machine.best_effort_cpu && (*machine.best_effort_cpu <= Ratio(0) || *machine.best_effort_cpu > kAll)) {
    best_effort.error(mismatch(describe(best_effort.node()), "more than 0% and at most 100%"));
  }
  const View out = view["outOfMemory"];
  machine.report_only = out["do"].text() == "report";
  machine.protect = out["protect"].texts();
  const View pressure = out["pressure"];
  if (!pressure) return machine;
  machine.pressure.emplace();
  for (const auto& [name, share] :
       {std::pair("some", &machine.pressure->some), std::pair("full", &machine.pressure->full)}) {
    *share = read_with(pressure[name], parse_percent);
    if (*share && (**share <= Ratio(0) || **share > kAll))
      pressure[name].error(mismatch(describe(pressure[name].node()), "more than 0% and at most 100%"));
  }
  machine.pressure->over = read_with(pressure["for"], parse_duration).value_or(std::chrono::nanoseconds(0));
  if (!machine.pressure->some && !machine.pressure->full)
    pressure.error(mismatch("neither `some` nor `full`", "at least one of them"));
  if (machine.pressure->over <= std::chrono::nanoseconds(0))
    pressure["for"].error(mismatch(describe(pressure["for"].node()), "more than 0"));
  return machine;
}

std::string read_web(const View& view) {
  const View file = view["configFile"];
  const std::string path = file.text();
  if (file && path.empty()) file.error(mismatch("an empty path", "the path of a web configuration file"));
  return path;
}

}  // namespace

const ObjectSpec kAgentConfigSpec = {.name = "AgentConfig", .fields = kFields};

AgentConfigFile read_agent_config(std::string_view text, std::string_view file) {
  AgentConfigFile result;
  Documents out;
  Report report{out, std::string(file), ""};
  auto wrong = check_text(text, 1);
  if (wrong.empty()) {
    const auto tree = parse_document(text, 1);
    if (tree) {
      const View view(&*tree, "", report);
      if (view) check_shape(view, kAgentConfigSpec, "is not acted on yet");
      if (view && out.errors.empty()) {
        result.config.exported = read_export(view["export"]);
        result.config.devices = read_machine_devices(view["devices"]);
        result.config.machine = read_machine(view["machine"]);
        result.config.registries = read_registries(view["registries"]);
        result.config.network = read_network(view["network"]);
        result.config.runtimes = read_runtimes(view["runtimes"]);
        result.config.storage = read_storage(view["storage"]);
        result.config.alerts = read_alerts(view["alerts"]);
        result.config.web_config = read_web(view["web"]);
        result.config.collectors = {view["collectors"]["enable"].texts(), view["collectors"]["disable"].texts()};
      }
    } else {
      wrong.push_back(tree.error());
    }
  }
  for (const ParseError& error : wrong) {
    out.errors.push_back({{report.file, error.line, error.column}, "", "", error.message, "", "", ""});
  }
  result.errors = std::move(out.errors);
  return result;
}

}  // namespace mete::config
