// SPDX-License-Identifier: Apache-2.0
#include "collectors/collector.h"

#include <fcntl.h>

#include <algorithm>
#include <array>

#include "collectors/parse.h"
#include "runtime/file.h"

namespace mete::collectors {

std::span<const Collector> builtin_collectors() {
  static const std::array<Collector, 6> table = {{
      {"cpu", cpu_files()},
      {"cpuacct", cpuacct_files()},
      {"memory", memory_files()},
      {"pids", pids_files()},
      {"io", io_files()},
      {"pressure", pressure_files()},
  }};
  return table;
}

void DeviceNames::load() {
  const auto text = runtime::read_file(AT_FDCWD, proc_ + "/diskstats");
  if (!text) return;
  // Those known to have no name stay known.
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

void DeviceNames::name(std::vector<DeviceSample>& devices) {
  for (DeviceSample& device : devices) {
    const auto same = [&](const Entry& e) { return e.major == device.major && e.minor == device.minor; };
    auto found = std::find_if(entries_.begin(), entries_.end(), same);
    if (found == entries_.end()) {
      load();
      found = std::find_if(entries_.begin(), entries_.end(), same);
      // One that has no line is remembered too, else every pass would read the file again.
      if (found == entries_.end()) found = entries_.insert(found, {device.major, device.minor, {}});
    }
    device.name = found->name;
  }
}

}  // namespace mete::collectors
