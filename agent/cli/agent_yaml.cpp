// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/agent_yaml.h"

#include <fcntl.h>

#include <cerrno>

#include "config/model/agent_config.h"
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
  // Relative paths begin at the file's folder.
  const std::string folder = file.find('/') == std::string::npos ? "" : file.substr(0, file.rfind('/') + 1);
  const auto placed = [&](const std::string& path) {
    return path.empty() || path.starts_with('/') ? path : folder + path;
  };
  // The command line takes precedence.
  if (settings.web_config.empty()) settings.web_config = placed(settings.config.web_config);
  for (auto* receivers : {&settings.config.alerts.alertmanagers, &settings.config.alerts.webhooks}) {
    for (auto& receiver : *receivers) {
      for (auto* path : {&receiver.ca_file, &receiver.password_file, &receiver.token_file}) *path = placed(*path);
    }
  }
  return {};
}

}  // namespace mete::agent::cli
