// SPDX-License-Identifier: Apache-2.0
// Settings of a pod's network that its containers may not write themselves (hostUsers: false).
#pragma once

#include <map>
#include <string>

#include "config/base/result.h"
#include "config/model/pod_spec.h"

namespace mete::runtime::pod {

// Who may send pings, and that all may.
inline constexpr const char* kPingGroups = "net.ipv4.ping_group_range";
inline constexpr const char* kAllGroups = "0 2147483647";

// What is set in the pod's namespaces: its own words, and in a network of its own what every container has. That of
// another pod is as that one has it, and may be the machine's. Pure.
[[nodiscard]] std::map<std::string, std::string> sysctls_of(const config::Pod& pod);

// Writes the `net.*` among them in the network namespace at `path`, by a thread that enters it.
[[nodiscard]] Status write_network_sysctls(const std::string& path, const std::map<std::string, std::string>& sysctls);

}  // namespace mete::runtime::pod
