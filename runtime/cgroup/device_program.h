// SPDX-License-Identifier: Apache-2.0
// Device rules as the BPF program that cgroup v2 asks at every open and mknod of a device.
#pragma once

#include <linux/bpf.h>

#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/cgroup/devices.h"

namespace mete::runtime::cgroup {

// Pure. What the rules leave (device_outcome.h).
[[nodiscard]] std::vector<struct bpf_insn> device_program(const std::vector<DeviceRule>& rules);

// In the place of the program that this function has attached before, if any (known by its name, "mete_devices").
[[nodiscard]] Status attach_device_program(const std::string& directory, const std::vector<struct bpf_insn>& program);

}  // namespace mete::runtime::cgroup
