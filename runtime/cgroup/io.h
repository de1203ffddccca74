// SPDX-License-Identifier: Apache-2.0
// Finds which of the kernel's mechanisms to share disks this machine has (latency targets, weights, io.cost), and makes
// the writes for io.cost, which Limits does not hold.
#pragma once

#include <string>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// Success: the machine supports IoLimit::latency. The error says, for people, what is missing.
[[nodiscard]] Status find_io_latency(const Group& group);
// The same for Limits::io_weight, which needs a scheduler with weights.
[[nodiscard]] Status find_io_weight(const Group& group);
// The disk "8:0" under `path` for Limits::io_disk_weights. Error: there is none, or its scheduler has no weights.
[[nodiscard]] Result<std::string> weighted_disk_of(const Group& group, const std::string& path);
// Pure: of /sys/block/NAME/queue/scheduler, "none mq-deadline [bfq]": the one that is in use.
[[nodiscard]] std::string scheduler_in(std::string_view text);
// The same for io.cost, the kernel's model of the cost of an operation on a disk. It belongs to the machine: `root` is
// the root group.
[[nodiscard]] Status find_io_cost(const Group& root);

// `line` begins with the disk: "8:0 ctrl=user model=linear ...", as the kernel's cgroup-v2.rst has it.
[[nodiscard]] ControlWrite io_cost_model(std::string line);
[[nodiscard]] ControlWrite io_cost_qos(std::string line);

}  // namespace mete::runtime::cgroup
