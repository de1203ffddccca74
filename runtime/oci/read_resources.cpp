// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/read_parts.h"

namespace mete::runtime::oci {
namespace {

using cgroup::Limit;

// OCI: -1 (any negative number) is "unlimited"; 0 is what clients send for "nothing asked", as with runc.
std::optional<Limit<Bytes>> read_bytes(const Node& node) {
  if (!node.present()) return std::nullopt;
  const std::int64_t number = node.i64();
  if (number == 0) return std::nullopt;
  if (number < 0) return Limit<Bytes>();
  return Limit<Bytes>(Bytes(number));
}

void read_memory(const Node& memory, cgroup::Limits& limits) {
  limits.memory = read_bytes(memory["limit"]);
  limits.memory_soft = read_bytes(memory["reservation"]);
  const Node swap = memory["swap"];
  const auto both = read_bytes(swap);
  if (both) {
    if (!limits.memory) {
      if (!both->is_unlimited()) swap.bad(std::to_string(both->value().count()), "a memory limit beside it");
    } else {
      if (!both->is_unlimited() && !limits.memory->is_unlimited() && both->value() < limits.memory->value()) {
        swap.bad(std::to_string(both->value().count()), "at least the memory limit, which it contains");
      }
      limits.swap = swap_alone(*both, *limits.memory);
    }
  }
  if (memory["disableOOMKiller"].boolean()) memory["disableOOMKiller"].refuse("the OOM killer cannot be turned off");
  if (memory["swappiness"].present() && memory["swappiness"].u64() > 100) memory["swappiness"].bad("more than 100", "0 to 100");
  if (memory["swappiness"].asks()) memory["swappiness"].refuse("this cannot be set yet; leave the field out");
}

void read_cpu(const Node& cpu, cgroup::Limits& limits) {
  using std::chrono::microseconds;
  if (const std::uint64_t shares = cpu["shares"].u64(); shares != 0) limits.cpu_shares = shares;
  const std::int64_t quota = cpu["quota"].i64();
  const std::int64_t period = static_cast<std::int64_t>(cpu["period"].integer(0, 0, 1'000'000));
  if (quota != 0 || period != 0) {
    cgroup::CpuBandwidth bandwidth;
    if (quota > 0) bandwidth.quota = microseconds(quota);
    if (period > 0) bandwidth.period = microseconds(period);
    limits.cpu_bandwidth = bandwidth;
  }
  if (cpu["burst"].asks()) limits.cpu_burst = microseconds(cpu["burst"].integer(0, 0, INT64_MAX));
  if (const Node idle = cpu["idle"]; idle.present()) limits.cpu_idle = idle.integer(0, 0, 1) == 1;
  limits.cpuset_cpus = cpu["cpus"].text();
  limits.cpuset_mems = cpu["mems"].text();
  for (const char* const field : {"realtimeRuntime", "realtimePeriod"}) {
    if (cpu[field].asks()) cpu[field].refuse("real-time bandwidth cannot be set");
  }
}

std::string number_or_star(const Node& node) {
  if (!node.present() || node.i64() < 0) return "*";
  return std::to_string(node.u32());
}

void read_devices(const Node& devices, std::vector<DeviceRule>& rules) {
  for (const auto& node : devices.items()) {
    const std::string type = node["type"].text("a");
    const std::string access = node["access"].text("rwm");
    if (type != "a" && type != "b" && type != "c") node["type"].bad("\"" + type + "\"", "a, b or c");
    if (access.empty() || access.find_first_not_of("rwm") != std::string::npos) node["access"].bad("\"" + access + "\"", "letters of rwm");
    DeviceRule rule{node["allow"].boolean(), {}};
    if (type == "a") {
      // The kernel knows "all" only as a whole: it forgets all rules, then allows or denies everything.
      rule.text = "a";
    } else {
      rule.text = type + " " + number_or_star(node["major"]) + ":" + number_or_star(node["minor"]) + " " + access;
    }
    rules.push_back(std::move(rule));
  }
}

void refuse_what_is_not_done(const Node& resources) {
  const Node block = resources["blockIO"];
  for (const char* const field : {"weight", "leafWeight", "weightDevice", "throttleReadBpsDevice", "throttleWriteBpsDevice",
                                  "throttleReadIOPSDevice", "throttleWriteIOPSDevice"}) {
    if (block[field].asks()) block[field].refuse("this cannot be set yet; leave the field out");
  }
  const Node network = resources["network"];
  for (const char* const field : {"classID", "priorities"}) {
    if (network[field].asks()) network[field].refuse("this cannot be set yet; leave the field out");
  }
  for (const char* const field : {"rdma", "unified"}) {
    if (resources[field].asks()) resources[field].refuse("this cannot be set yet; leave the field out");
  }
}

}  // namespace

void read_resources_part(const Node& resources, cgroup::Limits& limits, std::vector<DeviceRule>& rules) {
  read_memory(resources["memory"], limits);
  read_cpu(resources["cpu"], limits);
  if (const Node pids = resources["pids"]["limit"]; pids.asks()) {
    const std::int64_t number = pids.i64();
    limits.pids = number < 0 ? Limit<std::uint64_t>() : Limit<std::uint64_t>(static_cast<std::uint64_t>(number));
  }
  for (const auto& node : resources["hugepageLimits"].items()) {
    const std::string size = node["pageSize"].text();
    if (size.empty() || size.find('/') != std::string::npos) node["pageSize"].bad("\"" + size + "\"", "a page size such as 2MB");
    limits.hugetlb[size] = Limit<Bytes>(Bytes(static_cast<std::int64_t>(node["limit"].integer(0, 0, INT64_MAX))));
  }
  read_devices(resources["devices"], rules);
  refuse_what_is_not_done(resources);
}

}  // namespace mete::runtime::oci
