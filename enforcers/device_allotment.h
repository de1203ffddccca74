// SPDX-License-Identifier: Apache-2.0
// Which devices the containers of a pod are given. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/model/pod_spec.h"

namespace mete::enforcers {

struct DeviceAllotment {
  std::map<std::string, std::vector<std::string>> given;  // by container
  // The kinds of which there are too few, sorted; then nothing is given.
  std::vector<std::string> insufficient;
};

// `free`: by kind, in the order in which they are given. An init container that ends before the others begin passes on
// what it had, as with the kubelet's device manager; a sidecar keeps it.
[[nodiscard]] DeviceAllotment allot_devices(const config::PodSpec& spec,
                                            const std::map<std::string, std::vector<std::string>>& free);

// The kinds that the containers ask for.
[[nodiscard]] std::vector<std::string> kinds_of_devices(const config::PodSpec& spec);

// In the words of Kubernetes' scheduler: "0/1 nodes are available: 1 Insufficient vendor.com/class."
[[nodiscard]] std::string insufficient_text(const std::vector<std::string>& kinds);

}  // namespace mete::enforcers
