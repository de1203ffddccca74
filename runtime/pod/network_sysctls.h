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

// Those of `spec` that belong to a network namespace of the pod's own. Pure.
[[nodiscard]] std::map<std::string, std::string> sysctls_of(const config::PodSpec& spec);

// Writes the `net.*` among them in the network namespace at `path`, by a thread that enters it.
[[nodiscard]] Status write_network_sysctls(const std::string& path, const std::map<std::string, std::string>& sysctls);

}  // namespace mete::runtime::pod
