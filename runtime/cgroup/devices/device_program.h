// SPDX-License-Identifier: Apache-2.0
// Device rules as a BPF program, which cgroup v2 runs at every open and mknod of a device.
#pragma once

#include <linux/bpf.h>

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/devices/devices.h"

namespace mete::runtime::cgroup {

// Pure. The program for the outcome of the rules (device_outcome.h).
[[nodiscard]] std::vector<struct bpf_insn> device_program(const std::vector<DeviceRule>& rules);

// Attaches the program. It replaces an earlier one of this function, which its name "mete_devices" identifies.
[[nodiscard]] Status attach_device_program(const std::string& directory, const std::vector<struct bpf_insn>& program);

}  // namespace mete::runtime::cgroup
