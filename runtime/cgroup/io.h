// SPDX-License-Identifier: Apache-2.0
// Which of the kernel's means to share out disks this machine has, and the writes for those that Limits does not hold.
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// Good: IoLimit::latency can be asked for here. The error says what is missing, for people.
[[nodiscard]] Status find_io_latency(const Group& group);
// The same of Limits::io_weight, which needs a scheduler with weights.
[[nodiscard]] Status find_io_weight(const Group& group);
// The same of the kernel's model of what an operation costs a disk, which belongs to the machine: `root` is its root
// group.
[[nodiscard]] Status find_io_cost(const Group& root);

// `line` begins with the disk: "8:0 ctrl=user model=linear ...", as the kernel's cgroup-v2.rst has it.
[[nodiscard]] ControlWrite io_cost_model(std::string line);
[[nodiscard]] ControlWrite io_cost_qos(std::string line);

}  // namespace mete::runtime::cgroup
