// SPDX-License-Identifier: Apache-2.0
// Which cgroups and which labels are exported: bounded by default.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/discovery/identity.h"
#include "collectors/exposition.h"

namespace mete::collectors {

// Patterns know '*' (any text, '/' too) and '?'.
struct ExportPolicy {
  bool containers = true;  // of all runtimes, and pods
  bool slices = true;      // systemd's
  bool services = true;    // and scopes
  bool other = false;      // groups that are none of these: whatever people make by hand
  std::vector<std::string> include;  // paths that are exported whatever they are
  std::vector<std::string> exclude;  // paths that are not
  bool id_label = true;
  // Labels of containers by name; exported as container_label_NAME. Environment variables never are.
  std::vector<std::string> labels = {"com.docker.compose.project", "com.docker.compose.service"};
};

[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);
[[nodiscard]] bool is_exported(const ExportPolicy& policy, const Identity& who, std::string_view path);
// id, name, image, namespace, pod, container, then container_label_*. A container's `container` is its name where its
// runtime has none, because rules of dashboards ask for either; of other groups both are empty, as with cAdvisor.
[[nodiscard]] LabelBlock exported_labels(const ExportPolicy& policy, const Identity& who, std::string_view path);
// "com.docker/x" -> "container_label_com_docker_x"
[[nodiscard]] std::string label_name(std::string_view key);

}  // namespace mete::collectors
