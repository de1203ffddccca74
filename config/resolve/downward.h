// SPDX-License-Identifier: Apache-2.0
// The facts about a Pod that its containers can ask for: the values of `fieldRef` and `resourceFieldRef`. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/units.h"
#include "config/model/pod_spec.h"

namespace mete::config {

// The value of a Pod's field for `fieldRef`. Empty: no such field. A label that is not set is "". Fields that are
// known at the start of a container only are marks (runtime_values.h).
[[nodiscard]] std::optional<std::string> pod_field(const Pod& pod, std::string_view path);

// metadata.labels or metadata.annotations whole, as a downwardAPI volume has them: one key="value" a line, sorted, with
// escapes in the value. Every other path as above; empty for what a volume cannot have.
[[nodiscard]] std::optional<std::string> pod_field_in_file(const Pod& pod, std::string_view path);

// True for limits.cpu, requests.memory, limits.ephemeral-storage, limits.hugepages-2Mi and the like.
[[nodiscard]] bool is_resource_field(std::string_view name);

// The mark for the number that `ref` asks for, of the container with this name.
[[nodiscard]] std::string resource_mark(std::string_view container, const ResourceFieldRef& ref);

// The facts about the machine that replace marks.
struct MachineFacts {
  std::string node_name;
  std::vector<std::string> addresses;  // of the machine, the most important first; v4 before v6
  MilliCpu cpu;                        // all of it: a limit that is not set
  Bytes memory;
  Bytes disk;                              // the file system of the writable layers
  std::vector<std::string> pod_addresses;  // of the pod in its network, v4 before v6; empty: it has its loopback only
  bool operator==(const MachineFacts&) const = default;
};

// `text` with all marks replaced for a container of `pod`. A pod without the host's network has its own
// addresses, or its loopback.
[[nodiscard]] std::string fill_marks(std::string_view text, const Pod& pod, const MachineFacts& machine);

// The container of `pod` with this name; nullptr: none.
[[nodiscard]] const Container* find_container(const Pod& pod, std::string_view name);

}  // namespace mete::config
