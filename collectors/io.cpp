// SPDX-License-Identifier: Apache-2.0
// Controllers blkio (v1) and io (v2): bytes and operations by block device. On v1 the kernel counts only direct and
// synchronous IO, and newer ones (seen on 6.18) only on devices for which some blkio.throttle rule has been set;
// before that the files say "Total 0", so there are no devices and no series.
#include <algorithm>

#include "collectors/collector.h"
#include "collectors/parse.h"

namespace mete::collectors {
namespace {

struct DeviceNumber {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
};

// "254:0"
std::optional<DeviceNumber> parse_device(std::string_view word) {
  const auto major = parse_u64(next_part(word, ':'));
  const auto minor = parse_u64(word);
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (!major || !minor || *major > kMost || *minor > kMost) return std::nullopt;
  return DeviceNumber{static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor)};
}

DeviceSample& device(std::vector<DeviceSample>& devices, DeviceNumber number) {
  const auto same = [&](const DeviceSample& d) { return d.major == number.major && d.minor == number.minor; };
  const auto found = std::find_if(devices.begin(), devices.end(), same);
  if (found != devices.end()) return *found;
  DeviceSample& added = devices.emplace_back();
  added.major = number.major;
  added.minor = number.minor;
  return added;
}

// Lines "254:0 Read 4096" and one "Total 4096" at the end; Sync, Async and Total are sums of the others.
template <class Set>
bool parse_blkio(std::string_view text, Sample& into, Set set) {
  bool understood = true;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::string_view first = next_word(line);
    if (first.empty() || first == "Total") continue;
    const auto number = parse_device(first);
    const std::string_view operation = next_word(line);
    const auto value = parse_u64(next_word(line));
    if (number && value) {
      set(device(into.devices, *number), operation, *value);
    } else {
      understood = false;
    }
  }
  return understood;
}

// Read before the operations, so it begins the list anew.
bool bytes_v1(std::string_view text, Sample& into) {
  into.devices.clear();
  return parse_blkio(text, into, [](DeviceSample& d, std::string_view operation, std::uint64_t value) {
    if (operation == "Read") d.read_bytes = to_bytes(value);
    if (operation == "Write") d.write_bytes = to_bytes(value);
    if (operation == "Discard") d.discard_bytes = to_bytes(value);
  });
}

bool operations_v1(std::string_view text, Sample& into) {
  return parse_blkio(text, into, [](DeviceSample& d, std::string_view operation, std::uint64_t value) {
    if (operation == "Read") d.reads = value;
    if (operation == "Write") d.writes = value;
    if (operation == "Discard") d.discards = value;
  });
}

void set_v2(DeviceSample& d, std::string_view key, std::uint64_t value) {
  if (key == "rbytes") d.read_bytes = to_bytes(value);
  if (key == "wbytes") d.write_bytes = to_bytes(value);
  if (key == "dbytes") d.discard_bytes = to_bytes(value);
  if (key == "rios") d.reads = value;
  if (key == "wios") d.writes = value;
  if (key == "dios") d.discards = value;
}

// "254:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0", with cost.* and others after it. A device without
// counters is a line of its number alone.
bool stat_v2(std::string_view text, Sample& into) {
  into.devices.clear();
  bool understood = true;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::string_view first = next_word(line);
    if (first.empty()) continue;
    const auto number = parse_device(first);
    if (!number) {
      understood = false;
      continue;
    }
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      const std::string_view key = next_part(word, '=');
      if (const auto value = parse_u64(word)) set_v2(device(into.devices, *number), key, *value);
    }
  }
  return understood;
}

constexpr std::array<SourceFile, 3> kFiles = {{
    {Where::kV1, "blkio", "blkio.throttle.io_service_bytes_recursive", bytes_v1},
    {Where::kV1, "blkio", "blkio.throttle.io_serviced_recursive", operations_v1},
    {Where::kV2, "io", "io.stat", stat_v2},
}};

}  // namespace

std::span<const SourceFile> io_files() {
  return kFiles;
}

}  // namespace mete::collectors
