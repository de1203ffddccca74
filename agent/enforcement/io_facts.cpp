// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/io_facts.h"

#include <unistd.h>

#include <algorithm>

#include "runtime/cgroup/block_device.h"

namespace mete::agent {

enforcers::IoFacts look_for_disks(const config::IoPolicy& policy, const runtime::cgroup::Group& group,
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
  const bool v1 = group.hierarchies().on_v1("blkio");
  if (std::any_of(policy.devices.begin(), policy.devices.end(),
                  [](const auto& device) { return device.latency.has_value(); })) {
    const std::string file = group.directory("io") + "/io.latency";
    facts.has_latency = !v1 && ::access(file.c_str(), F_OK) == 0;
    if (!facts.has_latency) {
      faults.push_back(
          v1 ? "io.devices: latency: this machine has IO on cgroup v1, expected cgroup v2; it is not active"
             : "io.devices: latency: this kernel was built without it (" + file + "); it is not active");
    }
  }
  if (!policy.weight) return facts;
  const std::string file = group.directory(v1 ? "blkio" : "io") + (v1 ? "/blkio.bfq.weight" : "/io.weight");
  facts.has_weight = ::access(file.c_str(), F_OK) == 0;
  if (!facts.has_weight)
    faults.push_back("io.weight: this kernel has no IO scheduler with weights here (" + file + "); it is not active");
  return facts;
}

}  // namespace mete::agent
