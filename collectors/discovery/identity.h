// SPDX-License-Identifier: Apache-2.0
// The identity of a cgroup: its kind, its container or unit, its runtime and its names.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mete::collectors {

enum class CgroupKind : std::uint8_t { kRoot, kPod, kContainer, kSlice, kService, kScope, kOther };
[[nodiscard]] std::string_view to_string(CgroupKind kind);  // "root", "pod", "container", ...

// The identity of a cgroup. An empty text: not known.
struct Identity {
  CgroupKind kind = CgroupKind::kOther;
  std::string runtime;  // "docker", "containerd", "podman", "crio", "kubelet", "systemd", "lxc"
  std::string id;       // the container's id, as its runtime writes it
  std::string name;     // the name users give the container; a systemd unit's name
  std::string image;
  std::string namespace_, pod, container;  // Kubernetes' names; also set for containerd's own namespaces
  std::string pod_uid;
  // All labels that the runtime recorded. The export policy decides which of them are exported.
  std::vector<std::pair<std::string, std::string>> labels;
  std::optional<std::chrono::system_clock::time_point> created, started;
  bool infrastructure = false;  // a pod's pause container, or the scope of a container monitor
};

// Classifies a cgroup by its path alone; pure. `kind` is kOther when the path says nothing: Identifier reads on.
[[nodiscard]] Identity classify_path(std::string_view path);

// "dev-disk\x2dby.slice" -> "dev-disk-by.slice": systemd's escapes of unit names.
[[nodiscard]] std::string unescape_unit(std::string_view name);

}  // namespace mete::collectors
