// SPDX-License-Identifier: Apache-2.0
// Which devices the processes of a cgroup may use. v1: devices.allow and devices.deny. v2 has no files for it but a BPF
// program that is attached to the directory (BPF_PROG_TYPE_CGROUP_DEVICE, Linux 4.15).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

struct DeviceRule {
  bool allow = false;
  char type = 'a';                     // 'a': all devices, and all rules before are forgotten; else 'b' or 'c'
  std::optional<std::uint32_t> major;  // empty: any
  std::optional<std::uint32_t> minor;
  std::string access = "rwm";  // of r(ead), w(rite), m(knod)
  bool operator==(const DeviceRule&) const = default;
};

// As v1's files take it: "c 1:3 rwm", "a".
[[nodiscard]] std::string to_text(const DeviceRule& rule);

// `rules`, then what every container may use, then `last`: the list that apply_device_rules() applies. Applied once
// more, it comes to the same.
[[nodiscard]] std::vector<DeviceRule> all_device_rules(const std::vector<DeviceRule>& rules,
                                                       const std::vector<DeviceRule>& last);

// Applies the rules in order; then, unless they allow all, the devices that every container may use (null, zero, full,
// random, urandom, tty, ptmx, pts; mknod of any), as runc does; then `last`. Without rules only the devices for every
// container are allowed. On v2 the program of an earlier call is replaced; programs of others are not touched.
[[nodiscard]] Status apply_device_rules(const Group& group, const std::vector<DeviceRule>& rules,
                                        const std::vector<DeviceRule>& last = {});

// The same for a group with running processes. On v1 only the differences are written where possible, so that no access
// is refused meanwhile that is allowed before and after; on v2 the programs are exchanged atomically.
[[nodiscard]] Status change_device_rules(const Group& group, const std::vector<DeviceRule>& rules,
                                         const std::vector<DeviceRule>& last);

}  // namespace mete::runtime::cgroup
