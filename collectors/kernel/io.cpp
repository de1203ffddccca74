// SPDX-License-Identifier: Apache-2.0
// Controllers blkio (v1) and io (v2): bytes and operations by block device. On v1 the kernel counts only direct and
// synchronous IO, and newer ones (seen on 6.18) only on devices for which some blkio.throttle rule has been set;
// before that the files say "Total 0", so there are no devices and no series. Where a disk's scheduler is bfq or cfq,
// its files are read too, for those devices and for what only they count.
#include <algorithm>
#include <utility>

#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

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

template <class Device>
Device& device(std::vector<Device>& devices, DeviceNumber number) {
  const auto same = [&](const Device& d) { return d.major == number.major && d.minor == number.minor; };
  const auto found = std::find_if(devices.begin(), devices.end(), same);
  if (found != devices.end()) return *found;
  Device& added = devices.emplace_back();
  added.major = number.major;
  added.minor = number.minor;
  return added;
}

// Calls each(device, operation, value) for lines "254:0 Read 4096". A line without an operation ("254:0 8") gives an
// empty one. The last line is "Total 4096". Sync, Async and Total are sums of the others.
template <class Each>
bool parse_blkio(std::string_view text, Each each) {
  bool understood = true;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::string_view first = next_word(line);
    if (first.empty() || first == "Total") continue;
    const auto number = parse_device(first);
    std::string_view operation = next_word(line);
    std::string_view last = next_word(line);
    if (last.empty()) std::swap(operation, last);
    const auto value = parse_u64(last);
    if (number && value) {
      each(*number, operation, *value);
    } else {
      understood = false;
    }
  }
  return understood;
}

// Sets a value only once: bfq's files are read after those of blk-throttle, which count more.
template <class T>
void fill(Known<T>& into, T value) {
  if (!into) into = value;
}

bool bytes(std::string_view text, Sample& into) {
  return parse_blkio(text, [&](DeviceNumber number, std::string_view operation, std::uint64_t value) {
    if (operation == "Read") fill(device(into.devices, number).read_bytes, to_bytes(value));
    if (operation == "Write") fill(device(into.devices, number).write_bytes, to_bytes(value));
    if (operation == "Discard") fill(device(into.devices, number).discard_bytes, to_bytes(value));
    if (operation == "Sync") fill(device(into.device_details, number).sync_bytes, to_bytes(value));
    if (operation == "Async") fill(device(into.device_details, number).async_bytes, to_bytes(value));
  });
}

// This file is read before the others, so its parser clears the lists.
bool bytes_v1(std::string_view text, Sample& into) {
  into.devices.clear();
  into.device_details.clear();
  return bytes(text, into);
}

bool operations_v1(std::string_view text, Sample& into) {
  return parse_blkio(text, [&](DeviceNumber number, std::string_view operation, std::uint64_t value) {
    if (operation == "Read") fill(device(into.devices, number).reads, value);
    if (operation == "Write") fill(device(into.devices, number).writes, value);
    if (operation == "Discard") fill(device(into.devices, number).discards, value);
  });
}

bool merged(std::string_view text, Sample& into) {
  return parse_blkio(text, [&](DeviceNumber number, std::string_view operation, std::uint64_t value) {
    if (operation == "Read") fill(device(into.device_details, number).reads_merged, value);
    if (operation == "Write") fill(device(into.device_details, number).writes_merged, value);
  });
}

// The file counts nanoseconds.
bool service_time(std::string_view text, Sample& into) {
  return parse_blkio(text, [&](DeviceNumber number, std::string_view operation, std::uint64_t value) {
    if (operation == "Read") fill(device(into.device_details, number).read_time, to_time(value, 1));
    if (operation == "Write") fill(device(into.device_details, number).write_time, to_time(value, 1));
    if (operation == "Total") fill(device(into.device_details, number).io_time, to_time(value, 1));
  });
}

// "254:0 8": the sum of all operations.
bool sectors(std::string_view text, Sample& into) {
  return parse_blkio(text, [&](DeviceNumber number, std::string_view operation, std::uint64_t value) {
    if (operation.empty()) fill(device(into.device_details, number).sectors, value);
  });
}

bool queued(std::string_view text, Sample& into) {
  return parse_blkio(text, [&](DeviceNumber number, std::string_view operation, std::uint64_t value) {
    if (operation == "Total") fill(device(into.device_details, number).queued, value);
  });
}

void set_v2(Sample& into, DeviceNumber number, std::string_view key, std::uint64_t value) {
  if (key.starts_with("cost.")) {
    // cost.vrate and others describe the device, not the group.
    DeviceDetail& detail = device(into.device_details, number);
    if (key == "cost.usage") detail.cost_usage = to_time(value, kMicrosecond);
    if (key == "cost.wait") detail.cost_wait = to_time(value, kMicrosecond);
    if (key == "cost.indebt") detail.cost_indebt = to_time(value, kMicrosecond);
    if (key == "cost.indelay") detail.cost_indelay = to_time(value, kMicrosecond);
    return;
  }
  DeviceSample& d = device(into.devices, number);
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
  into.device_details.clear();
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
      if (const auto value = parse_u64(word)) set_v2(into, *number, key, *value);
    }
  }
  return understood;
}

constexpr auto kWaiting = When::kWaiting;
constexpr auto kBfq = Wanted::kBfq;
constexpr auto kCfq = Wanted::kCfq;

// v1 charges delayed writeback to no group; v2 charges it to the group that dirtied the pages.
constexpr std::array<SourceFile, 15> kFiles = {{
    {Where::kV1, "blkio", "blkio.throttle.io_service_bytes_recursive", bytes_v1, kWaiting},
    {Where::kV1, "blkio", "blkio.throttle.io_serviced_recursive", operations_v1, kWaiting},
    {Where::kV1, "blkio", "blkio.bfq.io_service_bytes_recursive", bytes, kWaiting, kBfq},
    {Where::kV1, "blkio", "blkio.bfq.io_serviced_recursive", operations_v1, kWaiting, kBfq},
    {Where::kV1, "blkio", "blkio.bfq.sectors_recursive", sectors, kWaiting, kBfq},
    {Where::kV1, "blkio", "blkio.bfq.io_merged_recursive", merged, kWaiting, kBfq},
    {Where::kV1, "blkio", "blkio.bfq.io_service_time_recursive", service_time, kWaiting, kBfq},
    {Where::kV1, "blkio", "blkio.bfq.io_queued_recursive", queued, kWaiting, kBfq},
    {Where::kV1, "blkio", "blkio.io_service_bytes_recursive", bytes, kWaiting, kCfq},
    {Where::kV1, "blkio", "blkio.io_serviced_recursive", operations_v1, kWaiting, kCfq},
    {Where::kV1, "blkio", "blkio.sectors_recursive", sectors, kWaiting, kCfq},
    {Where::kV1, "blkio", "blkio.io_merged_recursive", merged, kWaiting, kCfq},
    {Where::kV1, "blkio", "blkio.io_service_time_recursive", service_time, kWaiting, kCfq},
    {Where::kV1, "blkio", "blkio.io_queued_recursive", queued, kWaiting, kCfq},
    {Where::kV2, "io", "io.stat", stat_v2},
}};

}  // namespace

std::span<const SourceFile> io_files() {
  return kFiles;
}

}  // namespace mete::collectors
