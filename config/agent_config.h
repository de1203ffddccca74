// SPDX-License-Identifier: Apache-2.0
// agent.yaml (--config): what the agent exports. All of it may be left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/documents.h"

namespace mete::config {

// Which cgroups and which labels are exported. Patterns know '*' (any text, '/' too) and '?'.
struct ExportPolicy {
  bool containers = true;            // of all runtimes, and pods
  bool slices = true;                // systemd's
  bool services = true;              // and scopes
  bool other = false;                // groups that are none of these: whatever people make by hand
  std::vector<std::string> include;  // cgroup paths that are exported whatever they are
  std::vector<std::string> exclude;  // those that are not
  bool id_label = true;
  // Labels of containers by name; exported as container_label_NAME. Environment variables never are.
  std::vector<std::string> labels = {"com.docker.compose.project", "com.docker.compose.service"};
  std::int64_t most_cgroups = 20'000;  // the bound of a scrape
  bool kube = false;                   // the kube_* families, from the manifests
};

// By the names of `mete metrics`.
struct CollectorChoice {
  std::vector<std::string> enable;   // of those that are off by default
  std::vector<std::string> disable;  // of those that are on
};

struct AgentConfig {
  ExportPolicy exported;
  CollectorChoice collectors;
};

struct AgentConfigFile {
  AgentConfig config;
  std::vector<Diagnostic> errors;  // with any of them the config is not to be used
};

// Pure. `file` is only named in errors.
[[nodiscard]] AgentConfigFile read_agent_config(std::string_view text, std::string_view file);

}  // namespace mete::config
