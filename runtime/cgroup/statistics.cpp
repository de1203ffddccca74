// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/statistics.h"

#include <tuple>

#include "runtime/cgroup/limits/refusals.h"
#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {
namespace {

using Table = std::vector<std::pair<std::string, std::uint64_t>>;
using Disks = std::vector<Statistics::Disk>;

// A file with one number; "max" and what is not there are nothing.
std::optional<std::uint64_t> number(const Group& group, std::string_view controller, const std::string& file) {
  const auto text = group.read(controller, file);
  return text ? parse_u64(trim(*text)) : std::nullopt;
}

// Every "key value" line.
Table table(const Group& group, std::string_view controller, const std::string& file) {
  Table all;
  const auto text = group.read(controller, file);
  for (std::string_view rest = text ? std::string_view(*text) : std::string_view(); !rest.empty();) {
    std::string_view line = next_line(rest);
    std::string key(next_word(line));
    if (const auto value = parse_u64(next_word(line))) all.emplace_back(std::move(key), *value);
  }
  return all;
}

std::uint64_t of(const Table& numbers, std::string_view wanted) {
  for (const auto& [key, value] : numbers) {
    if (key == wanted) return value;
  }
  return 0;
}

Statistics::Cpu cpu_of(const Group& group) {
  constexpr std::uint64_t kNanosPerMicro = 1'000;
  const Table stat = table(group, "cpu", "cpu.stat");
  Statistics::Cpu cpu;
  cpu.periods = of(stat, "nr_periods");
  cpu.throttled_periods = of(stat, "nr_throttled");
  if (!group.hierarchies().on_v1("cpuacct")) {
    cpu.total = of(stat, "usage_usec") * kNanosPerMicro;
    cpu.kernel = of(stat, "system_usec") * kNanosPerMicro;
    cpu.user = of(stat, "user_usec") * kNanosPerMicro;
    cpu.throttled_time = of(stat, "throttled_usec") * kNanosPerMicro;
    return cpu;
  }
  cpu.total = number(group, "cpuacct", "cpuacct.usage");
  cpu.kernel = number(group, "cpuacct", "cpuacct.usage_sys");
  cpu.user = number(group, "cpuacct", "cpuacct.usage_user");
  cpu.throttled_time = of(stat, "throttled_time");
  const auto each = group.read("cpuacct", "cpuacct.usage_percpu");
  for (std::string_view rest = each ? std::string_view(*each) : std::string_view(); !rest.empty();) {
    if (const auto value = parse_u64(next_word(rest))) cpu.each.push_back(*value);
    rest = trim(rest);
  }
  return cpu;
}

Statistics::Memory memory_of(const Group& group) {
  const bool v1 = group.hierarchies().on_v1("memory");
  Statistics::Memory memory;
  memory.table = table(group, "memory", "memory.stat");
  memory.cache = of(memory.table, v1 ? "total_cache" : "file");
  memory.limit = number(group, "memory", v1 ? "memory.limit_in_bytes" : "memory.max");
  memory.usage = number(group, "memory", v1 ? "memory.usage_in_bytes" : "memory.current");
  memory.peak = number(group, "memory", v1 ? "memory.max_usage_in_bytes" : "memory.peak");
  memory.refused =
      v1 ? number(group, "memory", "memory.failcnt").value_or(0) : of(table(group, "memory", "memory.events"), "max");
  memory.swap_limit = number(group, "memory", v1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max");
  memory.swap_usage = number(group, "memory", v1 ? "memory.memsw.usage_in_bytes" : "memory.swap.current");
  return memory;
}

Statistics::Disk entry(std::string_view disk, std::string_view operation, std::uint64_t value) {
  const auto colon = disk.find(':');
  return {parse_u64(disk.substr(0, colon)).value_or(0), parse_u64(disk.substr(colon + 1)).value_or(0),
          std::string(operation), value};
}

// v1: "8:0 Read 4096".
Disks lines_v1(const Group& group, const std::string& file) {
  Disks all;
  const auto text = group.read("blkio", file);
  for (std::string_view rest = text ? std::string_view(*text) : std::string_view(); !rest.empty();) {
    std::string_view line = next_line(rest);
    const auto disk = next_word(line);
    const auto operation = next_word(line);
    const auto value = parse_u64(next_word(line));
    if (value && disk.find(':') != std::string_view::npos) all.push_back(entry(disk, operation, *value));
  }
  return all;
}

// v2: "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 ...".
void add_io_v2(const Group& group, Statistics& into) {
  using List = std::optional<Disks> Statistics::*;
  constexpr std::tuple<std::string_view, List, const char*> kKeys[] = {{"rbytes", &Statistics::io_bytes, "Read"},
                                                                       {"wbytes", &Statistics::io_bytes, "Write"},
                                                                       {"rios", &Statistics::io_operations, "Read"},
                                                                       {"wios", &Statistics::io_operations, "Write"}};
  const auto text = group.read("io", "io.stat");
  for (std::string_view rest = text ? std::string_view(*text) : std::string_view(); !rest.empty();) {
    std::string_view line = next_line(rest);
    const auto disk = next_word(line);
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      const auto equals = word.find('=');
      for (const auto& [key, list, operation] : kKeys) {
        if (equals == std::string_view::npos || word.substr(0, equals) != key) continue;
        auto& lines = into.*list;
        if (!lines) lines.emplace();
        lines->push_back(entry(disk, operation, parse_u64(word.substr(equals + 1)).value_or(0)));
      }
    }
  }
}

}  // namespace

Statistics read_statistics(const Group& group) {
  Statistics all;
  all.cpu = cpu_of(group);
  all.memory = memory_of(group);
  if (group.hierarchies().on_v1("blkio")) {
    all.io_bytes = lines_v1(group, "blkio.throttle.io_service_bytes_recursive");
    all.io_operations = lines_v1(group, "blkio.throttle.io_serviced_recursive");
  } else {
    add_io_v2(group, all);
  }
  all.pids = number(group, "pids", "pids.current");
  all.pids_limit = pids_limit(group);
  return all;
}

}  // namespace mete::runtime::cgroup
