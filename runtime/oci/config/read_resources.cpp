// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/single_settings.h"
#include "runtime/oci/config/read_parts.h"

namespace mete::runtime::oci {
namespace {

using cgroup::Limit;

void add_line(const std::string& field, const cgroup::SingleSetting& setting, std::string v1_text, std::string v2_text,
              Resources& resources) {
  resources.lines.push_back({field, std::string(setting.controller), std::string(setting.v1_file),
                             std::string(setting.v2_file), std::move(v1_text), std::move(v2_text)});
}

// OCI: -1 (any negative number) is "unlimited"; 0 is what clients send for "nothing asked", as with runc.
std::optional<Limit<Bytes>> read_bytes(const Node& node) {
  if (!node.present()) return std::nullopt;
  const std::int64_t number = node.i64();
  if (number == 0) return std::nullopt;
  if (number < 0) return Limit<Bytes>();
  return Limit<Bytes>(Bytes(number));
}

void read_memory(const Node& memory, Resources& resources) {
  auto& limits = resources.limits;
  limits.memory = read_bytes(memory["limit"]);
  limits.memory_soft = read_bytes(memory["reservation"]);
  const auto both = read_bytes(memory["swap"]);
  const bool two = both && !both->is_unlimited() && limits.memory && !limits.memory->is_unlimited();
  if (two && both->value() < limits.memory->value())
    memory["swap"].bad(std::to_string(both->value().count()), "at least the memory limit, which it contains");
  resources.partial.memory_and_swap = both;
  limits.kernel_tcp = read_bytes(memory["kernelTCP"]);
  if (const Node disable = memory["disableOOMKiller"]; disable.present()) limits.oom_kill_disable = disable.boolean();
  if (const Node swappiness = memory["swappiness"]; swappiness.present()) {
    // Old clients send 2^64 - 1 for "not set".
    const std::uint64_t number = swappiness.u64();
    if (number > 100 && number != UINT64_MAX) swappiness.bad(std::to_string(number), "0 to 100");
    if (number <= 100) add_line(swappiness.path(), cgroup::kSwappiness, std::to_string(number), "", resources);
  }
}

void read_cpu(const Node& cpu, Resources& resources) {
  auto& limits = resources.limits;
  using std::chrono::microseconds;
  if (const std::uint64_t shares = cpu["shares"].u64(); shares != 0) limits.cpu_shares = shares;
  // 0 is what clients send for "nothing asked", as with runc; the kernel takes no such quota or period.
  const std::int64_t quota = cpu["quota"].i64();
  const std::int64_t period = static_cast<std::int64_t>(cpu["period"].integer(0, 0, 1'000'000));
  using Quota = Limit<microseconds>;
  if (quota != 0) resources.partial.cpu_quota = quota > 0 ? Quota(microseconds(quota)) : Quota();
  if (period != 0) resources.partial.cpu_period = microseconds(period);
  const auto time = [&](const char* field) -> std::optional<microseconds> {
    if (!cpu[field].present()) return std::nullopt;
    return microseconds(cpu[field].integer(0, 0, INT64_MAX));
  };
  limits.cpu_burst = time("burst");
  limits.rt_runtime = time("realtimeRuntime");
  // 0 is no period.
  if (cpu["realtimePeriod"].asks()) limits.rt_period = time("realtimePeriod");
  if (const Node idle = cpu["idle"]; idle.present()) limits.cpu_idle = idle.integer(0, 0, 1) == 1;
  limits.cpuset_cpus = cpu["cpus"].text();
  limits.cpuset_mems = cpu["mems"].text();
}

std::optional<std::uint32_t> number_or_any(const Node& node) {
  if (!node.present() || node.i64() < 0) return std::nullopt;
  return node.u32();
}

void read_devices(const Node& devices, std::vector<cgroup::DeviceRule>& rules) {
  for (const auto& node : devices.items()) {
    const std::string type = node["type"].text("a");
    cgroup::DeviceRule rule;
    rule.allow = node["allow"].boolean();
    rule.access = node["access"].text("rwm");
    if (rule.access.empty()) rule.access = "rwm";
    if (!type.empty() && type != "a" && type != "b" && type != "c") node["type"].bad("\"" + type + "\"", "a, b or c");
    if (rule.access.find_first_not_of("rwm") != std::string::npos)
      node["access"].bad("\"" + rule.access + "\"", "letters of rwm");
    rule.type = type.empty() ? 'a' : type.front();
    if (rule.type != 'a') {
      rule.major = number_or_any(node["major"]);
      rule.minor = number_or_any(node["minor"]);
    }
    rules.push_back(std::move(rule));
  }
}

std::string disk_of(const Node& node) {
  return std::to_string(node["major"].u32()) + ":" + std::to_string(node["minor"].u32());
}

// Maps v1's 10 to 1000 to v2's 1 to 10000, as all runtimes do.
std::uint64_t io_weight_of(std::uint64_t weight) {
  return 1 + (weight - 10) * 9999 / 990;
}

std::uint64_t read_weight(const Node& node) {
  return static_cast<std::uint64_t>(node.integer(10, 10, 1000));
}

void read_block_io(const Node& block, Resources& resources) {
  if (block["weight"].asks()) {
    const std::uint64_t weight = read_weight(block["weight"]);
    add_line(block["weight"].path(), cgroup::kIoWeight, std::to_string(weight),
             "default " + std::to_string(io_weight_of(weight)), resources);
  }
  if (block["leafWeight"].asks()) block["leafWeight"].refuse("no kernel since 5.0 has it; leave the field out");
  for (const auto& node : block["weightDevice"].items()) {
    if (node["leafWeight"].asks()) node["leafWeight"].refuse("no kernel since 5.0 has it; leave the field out");
    if (!node["weight"].asks()) continue;
    const std::uint64_t weight = read_weight(node["weight"]);
    add_line(node.path(), cgroup::kIoWeightOfDisk, disk_of(node) + " " + std::to_string(weight),
             disk_of(node) + " " + std::to_string(io_weight_of(weight)), resources);
  }
  struct Throttle {
    const char* field;
    const cgroup::SingleSetting* setting;
    const char* v2_key;
    std::uint64_t most;  // what the kernel holds
  };
  constexpr Throttle kThrottles[] = {{"throttleReadBpsDevice", &cgroup::kReadBps, "rbps", UINT64_MAX},
                                     {"throttleWriteBpsDevice", &cgroup::kWriteBps, "wbps", UINT64_MAX},
                                     {"throttleReadIOPSDevice", &cgroup::kReadIops, "riops", UINT32_MAX - 1},
                                     {"throttleWriteIOPSDevice", &cgroup::kWriteIops, "wiops", UINT32_MAX - 1}};
  for (const auto& each : kThrottles) {
    for (const auto& node : block[each.field].items()) {
      const std::uint64_t rate = node["rate"].u64();  // 0: no limit
      if (rate > each.most) node["rate"].bad(std::to_string(rate), "at most " + std::to_string(each.most));
      add_line(node.path(), *each.setting, disk_of(node) + " " + std::to_string(rate),
               disk_of(node) + " " + each.v2_key + "=" + (rate == 0 ? "max" : std::to_string(rate)), resources);
    }
  }
}

void read_network(const Node& network, Resources& resources) {
  if (const Node id = network["classID"]; id.asks()) {
    add_line(id.path(), cgroup::kNetClassId, std::to_string(id.u32()), "", resources);
  }
  for (const auto& node : network["priorities"].items()) {
    const std::string name = node["name"].text();
    if (name.empty() || name.find_first_of(" \n") != std::string::npos)
      node["name"].bad("\"" + name + "\"", "the name of a network interface");
    add_line(node.path(), cgroup::kNetPriority, name + " " + std::to_string(node["priority"].u32()), "", resources);
  }
}

void read_rdma(const Node& rdma, Resources& resources) {
  for (const auto& [device, node] : rdma.members()) {
    std::string text = device;
    if (node["hcaHandles"].present()) text += " hca_handle=" + std::to_string(node["hcaHandles"].u32());
    if (node["hcaObjects"].present()) text += " hca_object=" + std::to_string(node["hcaObjects"].u32());
    if (device.empty() || device.find_first_of(" \n") != std::string::npos)
      node.bad("\"" + device + "\"", "the name of an RDMA device");
    add_line(node.path(), cgroup::kRdma, text, text, resources);
  }
}

// Files of cgroup2 by name. Files of the cgroup core (cgroup.procs, ...) are refused.
void read_unified(const Node& unified, Resources& resources) {
  for (const auto& [file, node] : unified.members()) {
    const auto dot = file.find('.');
    const bool plain = file.find('/') == std::string::npos && file.find("..") == std::string::npos;
    if (dot == std::string::npos || dot == 0 || !plain || file.starts_with("cgroup."))
      node.bad("\"" + file + "\"", "a control file of cgroup2 such as memory.high");
    resources.lines.push_back({node.path(), file.substr(0, dot), "", file, "", node.text()});
  }
}

}  // namespace

void read_resources_part(const Node& node, Resources& resources) {
  read_memory(node["memory"], resources);
  read_cpu(node["cpu"], resources);
  if (const Node pids = node["pids"]["limit"]; pids.asks()) {
    const std::int64_t number = pids.i64();
    resources.limits.pids =
        number < 0 ? Limit<std::uint64_t>() : Limit<std::uint64_t>(static_cast<std::uint64_t>(number));
  }
  for (const auto& each : node["hugepageLimits"].items()) {
    const std::string size = each["pageSize"].text();
    if (size.empty() || size.find('/') != std::string::npos)
      each["pageSize"].bad("\"" + size + "\"", "a page size such as 2MB");
    resources.limits.hugetlb.edit()[size] =
        Limit<Bytes>(Bytes(static_cast<std::int64_t>(each["limit"].integer(0, 0, INT64_MAX))));
  }
  read_devices(node["devices"], resources.device_rules);
  read_block_io(node["blockIO"], resources);
  read_network(node["network"], resources);
  read_rdma(node["rdma"], resources);
  read_unified(node["unified"], resources);
}

}  // namespace mete::runtime::oci
