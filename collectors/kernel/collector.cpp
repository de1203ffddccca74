// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/collector.h"

#include <fcntl.h>

#include <algorithm>
#include <array>

#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::collectors {

std::span<const Collector> builtin_collectors() {
  static const std::array<Collector, 22> table = {{
      {"cpu", cpu_files()},
      {"cpu", cpuacct_files()},
      {"percpu", percpu_files(), false, "a file per cgroup, a series per CPU; v1 only"},
      {"cpuset", cpuset_files()},
      {"memory", memory_files()},
      {"numa", numa_files(), false, "two files per cgroup, six series per node"},
      {"hugetlb", hugetlb_files(), false, "seven files per cgroup and page size"},
      {"pids", pids_files()},
      {"io", io_files()},
      {"pressure", pressure_files()},
      {"cgroup", group_files()},
      {"network", {}},
      {"tcp", {}, false, "the kernel lists every TCP socket of the namespace"},
      {"udp", {}, false, "the kernel lists every UDP socket of the namespace"},
      {"advtcp", {}, false, "two files and 150 series per network namespace"},
      {"processes", {}, false, "cgroup.procs, and a stat per process"},
      {"sockets", {}, false, "a readlink per open file of every process"},
      {"schedstat", {}, false, "a file per task"},
      {"tasks", {}, false, "a file per task"},
      {"disk", {}},
      {"general", {}},
      {"lifecycle", {}},
  }};
  return table;
}

const Collector* find_collector(std::string_view name) {
  for (const Collector& collector : builtin_collectors()) {
    if (collector.name == name) return &collector;
  }
  return nullptr;
}

void DeviceNames::load() {
  const auto text = runtime::read_file(AT_FDCWD, proc_ + "/diskstats");
  if (!text) return;
  // Devices already known to have no name are kept.
  std::erase_if(entries_, [](const Entry& e) { return !e.name.view().empty(); });
  for (std::string_view rest = *text; !rest.empty();) {
    std::string_view line = next_line(rest);
    const auto major = parse_u64(next_word(line));
    const auto minor = parse_u64(next_word(line));
    const std::string_view name = next_word(line);
    if (!major || !minor || name.empty()) continue;
    entries_.push_back({static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor), ShortText<31>(name)});
  }
}

const ShortText<31>& DeviceNames::name_of(std::uint32_t major, std::uint32_t minor) {
  const auto same = [&](const Entry& e) { return e.major == major && e.minor == minor; };
  auto found = std::find_if(entries_.begin(), entries_.end(), same);
  if (found == entries_.end()) {
    load();
    found = std::find_if(entries_.begin(), entries_.end(), same);
    // A device without a line is remembered too; otherwise every pass would read the file again.
    if (found == entries_.end()) found = entries_.insert(found, {major, minor, {}});
  }
  return found->name;
}

void DeviceNames::name(std::vector<DeviceSample>& devices) {
  for (DeviceSample& device : devices) device.name = name_of(device.major, device.minor);
}
void DeviceNames::name(std::vector<DeviceDetail>& devices) {
  for (DeviceDetail& device : devices) device.name = name_of(device.major, device.minor);
}

}  // namespace mete::collectors
