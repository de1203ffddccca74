// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/images/registry_access.h"

#include "agent/cli/agent_yaml.h"
#include "agent/cli/command_line.h"
#include "runtime/json.h"

namespace mete::agent::cli {

void add_registry_options(CLI::App* command, RegistryOptions& options) {
  command
      ->add_option("--config", options.config,
                   "agent.yaml: mirrors and registries without TLS; default: /etc/mete/agent.yaml if it is there")
      ->type_name(kFile)
      ->envname("METE_CONFIG");
  command
      ->add_option("--authfile", options.authfile,
                   "Logins, in the form of docker's config.json; default: $DOCKER_CONFIG or ~/.docker/config.json")
      ->type_name(kFile);
}

std::string login_file(const RegistryOptions& options) {
  return options.authfile.empty() ? runtime::registry::default_login_file() : options.authfile;
}

Result<runtime::registry::Access> registry_access(Settings& settings, const RegistryOptions& options) {
  METE_CHECK(read_agent_yaml(settings, options.config));
  runtime::registry::Access access;
  access.policy = settings.config.registries;
  access.logins.use_file(login_file(options));
  return access;
}

Result<runtime::registry::Access> access_of_agent(const std::string& request) {
  try {
    const auto value = nlohmann::json::parse(request);
    runtime::registry::Access access;
    value.at("insecure").get_to(access.policy.insecure);
    value.at("blocked").get_to(access.policy.blocked);
    for (const auto& each : value.at("mirrors")) {
      access.policy.mirrors.push_back(
          {each.at("registry").get<std::string>(), each.at("hosts").get<std::vector<std::string>>()});
    }
    for (const auto& each : value.at("logins")) access.logins.add_text(each.get<std::string>());
    access.logins.use_file(runtime::registry::default_login_file());
    return access;
  } catch (const nlohmann::json::exception& error) {
    return fail(std::string("the agent's request: ") + error.what());
  }
}

}  // namespace mete::agent::cli
