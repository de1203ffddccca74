// SPDX-License-Identifier: Apache-2.0
// What a pod asks of the networks, read from its manifest. Pure, but for new_end().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/model/bandwidth.h"
#include "config/model/pod_spec.h"
#include "runtime/network/network_spec.h"

namespace mete::agent {

// The ports of all containers of a pod that are published. Pure.
[[nodiscard]] std::vector<runtime::network::PublishedPort> published_ports(const config::Pod& pod);

// Whether packets to them would arrive: what cannot be done is refused before anything starts. Pure.
[[nodiscard]] Status can_publish(const runtime::network::NetworkSpec& network,
                                 const std::vector<runtime::network::PublishedPort>& ports);

// What the pod itself asks for: its annotations kubernetes.io/ingress-bandwidth, egress-bandwidth and
// mete/bandwidth-burst. Pure.
[[nodiscard]] config::Bandwidth asked_bandwidth(const config::Pod& pod);
// In bytes a second. Pure.
[[nodiscard]] runtime::network::Bandwidth bandwidth_of(const config::Bandwidth& bandwidth);

// A name for an end on a bridge that nobody has. `prefix`: runtime::network::end_prefix.
[[nodiscard]] std::string new_end(const std::string& prefix);

// Empty: it has none of that name.
[[nodiscard]] std::string annotation_of(const config::Pod& pod, const char* name);

// Begins the name of the network of a pod that is in another pod's: "container:POD".
inline constexpr std::string_view kOfAnother = "container:";
[[nodiscard]] inline bool is_of_another(const std::string& network) {
  return network.starts_with(kOfAnother);
}

}  // namespace mete::agent
