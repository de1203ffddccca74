// SPDX-License-Identifier: Apache-2.0
// The parts of config.h's reader, one file each. Not for use outside runtime/oci.
#pragma once

#include "runtime/oci/config.h"
#include "runtime/oci/json.h"

namespace mete::runtime::oci {

struct ReadContext {
  const Surroundings& surroundings;
  Config& config;
};

void read_process_part(const Node& process, ReadContext& context);    // read_process.cpp
void read_mounts_part(const Node& mounts, ReadContext& context);      // read_mounts.cpp
void read_linux_part(const Node& linux_part, ReadContext& context);   // read_linux.cpp
void read_seccomp_part(const Node& seccomp, ReadContext& context);    // read_seccomp.cpp
void read_resources_part(const Node& resources, cgroup::Limits& limits, std::vector<DeviceRule>& rules);  // read_resources.cpp

}  // namespace mete::runtime::oci
