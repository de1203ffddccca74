// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/of_others.h"

#include <algorithm>

#include "agent/docker/create/pod_of.h"
#include "agent/docker/endpoints.h"

namespace mete::agent::docker {
namespace {

std::string without_slash(const std::string& name) {
  return name.starts_with('/') ? name.substr(1) : name;
}

// "NAME[:ALIAS]". An alias is a name in questions for names, which have no upper case.
Result<LinkAsked> read_link(const std::string& text) {
  const auto colon = text.find(':');
  LinkAsked link{without_slash(text.substr(0, colon)), {}};
  link.alias = colon == std::string::npos ? link.container : text.substr(colon + 1);
  link.alias.erase(0, link.alias.rfind('/') + 1);  // "/web/db", as inspect shows it
  std::transform(link.alias.begin(), link.alias.end(), link.alias.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const bool is_name = !link.alias.empty() &&
                       link.alias.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string::npos;
  if (link.container.empty() || !is_name) return fail("bad format for links: " + text.substr(0, 80));
  return link;
}

}  // namespace

Result<std::vector<LinkAsked>> links_asked(const ContainerRecord& record) {
  std::vector<LinkAsked> links;
  auto texts = words_of(record.host_config, "Links");
  std::vector<std::string> networks = further_networks(record);
  networks.insert(networks.begin(), own_network(record));
  for (const auto& network : networks) {
    for (auto& each : words_of(endpoint_in(record, network), "Links")) texts.push_back(std::move(each));
  }
  for (const auto& each : texts) {
    METE_TRY(LinkAsked link, read_link(each));
    links.push_back(std::move(link));
  }
  const std::string own = own_network(record);
  if (links.empty()) return links;
  for (const char* mode : {"host", "container"}) {
    if (own == mode || own.starts_with(std::string(mode) + ":"))
      return fail("conflicting options: " + std::string(mode) + " type networking can't be used with links. This " +
                  "would result in undefined behavior");
  }
  if (own == "none") return fail("HostConfig.Links: found some with network none, expected a network");
  return links;
}

Json links_json(const ContainerRecord& record) {
  Json shown = Json::array();
  for (const auto& text : words_of(record.host_config, "Links")) {
    const auto link = read_link(text);
    if (link) shown.push_back("/" + link->container + ":/" + record.name + "/" + link->alias);
  }
  return shown.empty() ? Json() : shown;
}

Result<std::vector<VolumesAsked>> volumes_asked(const Json& host_config) {
  std::vector<VolumesAsked> asked;
  for (const auto& text : words_of(host_config, "VolumesFrom")) {
    const auto colon = text.find(':');
    const std::string mode = colon == std::string::npos ? "" : text.substr(colon + 1);
    if (text.empty() || colon == 0) return fail("volumes-from specification cannot be an empty string");
    if (!mode.empty() && mode != "ro" && mode != "rw" && mode != "z" && mode != "Z")
      return fail("invalid mode: " + mode.substr(0, 60));
    asked.push_back({without_slash(text.substr(0, colon)), mode == "ro"});
  }
  return asked;
}

Status share_volumes(const ContainerRecord& other, bool read_only, ContainerRecord& record) {
  METE_TRY(const auto mounts, mounts_of(other.config, other.host_config));
  const auto anonymous = texts_of(other.config, "MeteVolumes");
  for (const auto& each : mounts) {
    if (each.type == "tmpfs") continue;  // of one container alone
    record.config["MeteVolumesFrom"].push_back({{"Type", each.type},
                                                {"Source", each.source},
                                                {"Target", each.target},
                                                {"ReadOnly", each.read_only || read_only},
                                                {"Mode", each.mode},
                                                {"Propagation", each.propagation}});
    const auto name = anonymous.find(each.target);
    // It goes with the last of them that is removed with its volumes.
    if (each.type == "volume" && name != anonymous.end() && name->second == each.source)
      record.config["MeteVolumes"][each.target] = each.source;
  }
  return {};
}

bool mounts_volume(const ContainerRecord& record, const std::string& volume) {
  const auto mounts = mounts_of(record.config, record.host_config);
  return mounts && std::any_of(mounts->begin(), mounts->end(),
                               [&](const MountAsked& each) { return each.type == "volume" && each.source == volume; });
}

}  // namespace mete::agent::docker
