// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/io_facts.h"

#include <algorithm>

#include "runtime/cgroup/devices/block_device.h"
#include "runtime/cgroup/io.h"

namespace mete::agent {

enforcers::IoFacts find_policy_disks(const config::IoPolicy& policy, const runtime::cgroup::Group& group,
                                     std::vector<std::string>& faults) {
  enforcers::IoFacts facts;
  for (const auto& device : policy.devices) {
    auto disk = runtime::cgroup::disk_of(device.path);
    if (disk) {
      facts.disks[device.path] = std::move(*disk);
    } else {
      faults.push_back("io.devices: " + disk.error().what + "; it is not limited");
    }
  }
  for (const auto& [path, weight] : policy.device_weights) {
    auto disk = runtime::cgroup::weighted_disk_of(group, path);
    if (disk) {
      facts.weighted_disks[path] = std::move(*disk);
    } else {
      faults.push_back("weight of a disk: " + disk.error().what + "; it is not active");
    }
  }
  if (std::any_of(policy.devices.begin(), policy.devices.end(),
                  [](const auto& device) { return device.latency.has_value(); })) {
    const Status found = runtime::cgroup::find_io_latency(group);
    facts.has_latency = found.has_value();
    if (!found) faults.push_back("io.devices: latency: " + found.error().what + "; it is not active");
  }
  if (!policy.weight) return facts;
  const Status found = runtime::cgroup::find_io_weight(group);
  facts.has_weight = found.has_value();
  if (!found) faults.push_back("io.weight: " + found.error().what + "; it is not active");
  return facts;
}

}  // namespace mete::agent
