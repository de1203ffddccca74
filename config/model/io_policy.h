// SPDX-License-Identifier: Apache-2.0
// Bounds on disks, which a Policy has and a container of a docker client can ask for. Plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/units.h"

namespace mete::config {

struct IoDeviceLimit {
  std::string path;  // a device, or a path on a file system of the device; absolute
  std::optional<Bytes> read_per_second;
  std::optional<Bytes> write_per_second;
  std::optional<std::int64_t> read_operations_per_second;
  std::optional<std::int64_t> write_operations_per_second;
  // Latency target of requests; the kernel throttles groups with a higher target to keep it. Whole microseconds.
  std::optional<std::chrono::nanoseconds> latency;
  bool operator==(const IoDeviceLimit&) const = default;
};

// Its share of one disk, in place of that of all disks. Of docker's clients alone.
struct IoDeviceWeight {
  std::string path;         // as above
  std::int64_t weight = 0;  // 1 to 1000
  bool operator==(const IoDeviceWeight&) const = default;
};

struct IoPolicy {
  std::vector<IoDeviceLimit> devices;
  std::vector<IoDeviceWeight> device_weights;
  std::optional<std::int64_t> weight;  // 1 to 10000, 100 = normal
  bool operator==(const IoPolicy&) const = default;
};

}  // namespace mete::config
