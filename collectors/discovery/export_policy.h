// SPDX-License-Identifier: Apache-2.0
// Which cgroups and which labels are exported: bounded by default.
#pragma once

#include <string>
#include <string_view>

#include "collectors/discovery/identity.h"
#include "collectors/exposition/exposition.h"
#include "config/agent_config.h"

namespace mete::collectors {

using config::ExportPolicy;

// A pattern with '*' (any text, '/' too) and '?'.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);
[[nodiscard]] bool is_exported(const ExportPolicy& policy, const Identity& who, std::string_view path);
// id, name, image, namespace, pod, container, then container_label_*. A container's `container` is its name where its
// runtime has none, because rules of dashboards ask for either; of other groups both are empty, as with cAdvisor.
// Bounded: values of 4 KiB, 64 labels of a container.
[[nodiscard]] LabelBlock exported_labels(const ExportPolicy& policy, const Identity& who, std::string_view path);
// "com.docker/x" -> "container_label_com_docker_x"
[[nodiscard]] std::string label_name(std::string_view key);

}  // namespace mete::collectors
