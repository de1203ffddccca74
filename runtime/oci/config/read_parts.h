// SPDX-License-Identifier: Apache-2.0
// The parts of config.h's reader, one file each. Internal to runtime/oci.
#pragma once

#include "runtime/oci/config/config.h"
#include "runtime/oci/config/json.h"

namespace mete::runtime::oci {

struct ReadContext {
  const Surroundings& surroundings;
  Config& config;
};

void read_process_part(const Node& process, ReadContext& context);               // read_process.cpp
void read_mounts_part(const Node& mounts, ReadContext& context);                 // read_mounts.cpp
void read_mappings(const Node& mappings, std::vector<process::IdMapping>& all);  // read_linux.cpp
void read_namespaces(const Node& namespaces, process::LaunchSpec& launch);       // the same file
void read_linux_part(const Node& linux_part, ReadContext& context);              // read_linux.cpp
[[nodiscard]] Hooks read_hooks(const Node& hooks);                               // read_hooks.cpp
// read_tuning.cpp: scheduler, ioPriority, execCPUAffinity; then personality, memoryPolicy
void read_tuning(const Node& process, process::Tuning& tuning);
void read_machine_tuning(const Node& linux_part, process::Tuning& tuning);
void read_resources_part(const Node& node, Resources& resources);  // read_resources.cpp

}  // namespace mete::runtime::oci
