// SPDX-License-Identifier: Apache-2.0
// How the commands reach registries: agent.yaml and docker's config.json.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "agent/base/settings.h"
#include "runtime/registry/pull.h"

namespace mete::agent::cli {

struct RegistryOptions {
  std::string config;    // agent.yaml
  std::string authfile;  // docker's config.json; empty: the user's
};

void add_registry_options(CLI::App* command, RegistryOptions& options);
// The file that keeps logins.
[[nodiscard]] std::string login_file(const RegistryOptions& options);
[[nodiscard]] Result<runtime::registry::Access> registry_access(Settings& settings, const RegistryOptions& options);
// From what the agent gives to its child.
[[nodiscard]] Result<runtime::registry::Access> access_of_agent(const std::string& request);

}  // namespace mete::agent::cli
