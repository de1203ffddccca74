// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/config/config.h"

#include <algorithm>

#include "runtime/json.h"
#include "runtime/oci/config/read_parts.h"

namespace mete::runtime::oci {
namespace {

void read_version(const Node& node, Config& config) {
  config.version = node.text();
  if (!node.present()) {
    node.bad("nothing", std::string("a version of the runtime specification, such as ") + kSpecVersion);
  } else if (!config.version.starts_with("1.")) {
    node.bad("\"" + config.version + "\"", "a version 1 of the runtime specification");
  }
}

void read_root(const Node& root, ReadContext& context) {
  auto& launch = context.config.launch;
  launch.rootfs = root["path"].text();
  if (launch.rootfs.empty()) root["path"].bad("nothing", "the directory of the root file system");
  if (!launch.rootfs.starts_with('/')) launch.rootfs = context.surroundings.bundle + "/" + launch.rootfs;
  launch.read_only_root = root["readonly"].boolean();
}

void read_names(const Node& document, ReadContext& context) {
  auto& launch = context.config.launch;
  launch.hostname = document["hostname"].text();
  launch.domainname = document["domainname"].text();
  constexpr std::size_t kLongest = 64;  // __NEW_UTS_LEN
  for (const char* const field : {"hostname", "domainname"}) {
    const std::string name = document[field].text();
    if (name.size() > kLongest) document[field].bad(std::to_string(name.size()) + " characters", "at most 64");
    if (name.empty()) continue;
    const bool own = std::any_of(launch.namespaces.begin(), launch.namespaces.end(),
                                 [](const auto& use) { return use.kind == process::NamespaceKind::uts; });
    if (!own)
      document[field].bad("\"" + name + "\" and no uts namespace", "a uts namespace: the host's name stays as it is");
  }
}

}  // namespace

Result<Config> read_config(std::string_view text, const Surroundings& surroundings) {
  METE_TRY(const nlohmann::json json, parse_json(text, "config.json"));
  Problems problems;
  Config config;
  ReadContext context{surroundings, config};
  const Node document(&json, problems, "");
  if (!json.is_object()) return fail("config.json: found no object, expected one");
  read_version(document["ociVersion"], config);
  read_root(document["root"], context);
  // Read before the mounts: their owners may be mapped as in the user namespace.
  read_namespaces(document["linux"]["namespaces"], config.launch);
  read_mappings(document["linux"]["uidMappings"], config.launch.uid_mappings);
  read_mappings(document["linux"]["gidMappings"], config.launch.gid_mappings);
  read_mounts_part(document["mounts"], context);
  read_linux_part(document["linux"], context);
  read_names(document, context);
  read_process_part(document["process"], context);
  config.hooks = read_hooks(document["hooks"]);
  config.launch.hooks = !config.hooks.prestart.empty() || !config.hooks.create_runtime.empty() ||
                        !config.hooks.create_container.empty() || !config.net_devices.empty();
  for (const auto& [key, value] : document["annotations"].members()) config.annotations[key] = value.text();
  if (auto status = problems.status(); !status) return fail_in("config.json", status.error());
  return config;
}

Result<Config> read_process(std::string_view text, const Surroundings& surroundings) {
  METE_TRY(const nlohmann::json json, parse_json(text, "process"));
  Problems problems;
  Config config;
  ReadContext context{surroundings, config};
  read_process_part(Node(&json, problems, "process"), context);
  METE_CHECK(problems.status());
  return config;
}

Result<Resources> read_resources(std::string_view text) {
  METE_TRY(const nlohmann::json json, parse_json(text, "resources"));
  Problems problems;
  Resources resources;
  read_resources_part(Node(&json, problems, "resources"), resources);
  METE_CHECK(problems.status());
  return resources;
}

}  // namespace mete::runtime::oci
