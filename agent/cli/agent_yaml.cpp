// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/agent_yaml.h"

#include <fcntl.h>

#include <cerrno>

#include "config/agent_config.h"
#include "runtime/file.h"

namespace mete::agent::cli {

Status read_agent_yaml(Settings& settings, const std::string& config) {
  const std::string file = config.empty() ? "/etc/mete/agent.yaml" : config;
  const auto text = runtime::read_file(AT_FDCWD, file);
  if (!text) {
    if (config.empty() && text.error().code == ENOENT) return {};
    return fail_in("config", text.error());
  }
  auto read = config::read_agent_config(*text, file);
  if (!read.errors.empty()) return fail(config::to_string(read.errors.front()));
  settings.config = std::move(read.config);
  // The command line takes precedence.
  const std::string& web = settings.config.web_config;
  const bool relative = !web.starts_with('/') && file.find('/') != std::string::npos;
  if (settings.web_config.empty() && !web.empty())
    settings.web_config = (relative ? file.substr(0, file.rfind('/') + 1) : "") + web;
  return {};
}

}  // namespace mete::agent::cli
