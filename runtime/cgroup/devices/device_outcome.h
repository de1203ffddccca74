// SPDX-License-Identifier: Apache-2.0
// The outcome of a list of device rules, as v1's kernel code computes it (security/device_cgroup.c): one answer for all
// devices, and exceptions from it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cgroup/devices/devices.h"

namespace mete::runtime::cgroup {

struct DeviceException {
  char type = 'c';
  std::optional<std::uint32_t> major;
  std::optional<std::uint32_t> minor;
  unsigned access = 0;  // BPF_DEVCG_ACC_*; 0: the exception is void
  [[nodiscard]] bool same_device(const DeviceException& other) const {
    return type == other.type && major == other.major && minor == other.minor;
  }
  bool operator==(const DeviceException&) const = default;
};

struct DeviceOutcome {
  bool allow = true;  // a fresh group may use everything
  std::vector<DeviceException> exceptions;
};

[[nodiscard]] DeviceOutcome outcome_of(const std::vector<DeviceRule>& rules);

// Parses devices.list. When all is allowed by default, the file does not show the exceptions. Malformed lines are
// skipped.
[[nodiscard]] DeviceOutcome parse_devices_list(std::string_view text);

// The rules that change `found` into `wanted`. At no moment less is allowed than what both allow. Empty optional: no
// such rules exist, because the answer for all devices differs, or the exceptions are not known.
[[nodiscard]] std::optional<std::vector<DeviceRule>> device_changes(const DeviceOutcome& found,
                                                                    const DeviceOutcome& wanted);

}  // namespace mete::runtime::cgroup
