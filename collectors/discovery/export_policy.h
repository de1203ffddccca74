// SPDX-License-Identifier: Apache-2.0
// Decides which cgroups and which labels are exported: bounded by default.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/discovery/identity.h"
#include "collectors/exposition/exposition.h"
#include "config/model/agent_config.h"

namespace mete::collectors {

using config::ExportPolicy;

// Glob match: '*' stands for any text, '/' included, '?' for one character.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);
[[nodiscard]] bool is_exported(const ExportPolicy& policy, const Identity& who, std::string_view path);
// The labels id, name, image, namespace, pod, container, then container_label_*. `container` of a container whose
// runtime records no such name is its `name`, because dashboards' rules ask for either; both are empty for other
// groups, as with cAdvisor. Bounds: 4 KiB a value, 64 labels a container.
[[nodiscard]] LabelBlock exported_labels(const ExportPolicy& policy, const Identity& who, std::string_view path);
// Adds container_label_* for those of `all` that the policy exports.
using LabelPairs = std::vector<std::pair<std::string, std::string>>;
void add_container_labels(const ExportPolicy& policy, const LabelPairs& all, LabelBlock& labels);
// "com.docker/x" -> "container_label_com_docker_x"
[[nodiscard]] std::string label_name(std::string_view key);

}  // namespace mete::collectors
