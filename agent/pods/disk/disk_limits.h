// SPDX-License-Identifier: Apache-2.0
// What the containers of a pod may keep on disk: ephemeral-storage limits, and the sizeLimit of emptyDirs. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "config/model/pod_spec.h"

namespace mete::agent {

// Bytes that are in use now. What is not known yet is absent.
struct DiskUse {
  std::map<std::string, Bytes> volumes;     // emptyDirs on disk
  std::map<std::string, Bytes> containers;  // the writable layer and the logs of each
  bool operator==(const DiskUse&) const = default;
};

[[nodiscard]] bool has_disk_limits(const config::PodSpec& spec);

// Why the pod must be evicted, in the kubelet's words and order (pkg/kubelet/eviction/eviction_manager.go,
// localStorageEviction). Empty: it may stay.
[[nodiscard]] std::optional<std::string> over_disk_limit(const config::PodSpec& spec, const DiskUse& use);

// "1Mi"; 1500000 stays a plain number: the largest binary unit that leaves no rest.
[[nodiscard]] std::string quantity_text(Bytes bytes);

}  // namespace mete::agent
