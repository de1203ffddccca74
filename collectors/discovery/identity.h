// SPDX-License-Identifier: Apache-2.0
// Who a cgroup is.
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

// Empty text: not known.
struct Identity {
  CgroupKind kind = CgroupKind::kOther;
  std::string runtime;  // "docker", "containerd", "podman", "crio", "kubelet", "systemd", "lxc"
  std::string id;       // the container's, as its runtime has it
  std::string name;     // what its users call it; a systemd unit's name
  std::string image;
  std::string namespace_, pod, container;  // Kubernetes' names; of containerd's own namespaces too
  std::string pod_uid;
  // All labels that its runtime recorded. What is exported of them is the export policy's matter.
  std::vector<std::pair<std::string, std::string>> labels;
  std::optional<std::chrono::system_clock::time_point> created, started;
  bool infrastructure = false;  // a pod's pause container, a monitor's scope
};

// What the path alone tells; pure. `kind` is kOther when it tells nothing: see Identifier.
[[nodiscard]] Identity classify_path(std::string_view path);

// "dev-disk\x2dby.slice" -> "dev-disk-by.slice": systemd's escapes of unit names.
[[nodiscard]] std::string unescape_unit(std::string_view name);

}  // namespace mete::collectors
