// SPDX-License-Identifier: Apache-2.0
#include "config/reading/agent_yaml/registries.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "config/model/diagnostics.h"

namespace mete::config {
namespace {

constexpr std::array kMirrorFields = std::to_array<FieldSpec>({
    {.name = "registry",
     .type = FieldType::kString,
     .required = true,
     .doc = "HOST or HOST:PORT as in the names of images; docker.io is Docker Hub"},
    {.name = "hosts", .type = FieldType::kStringList, .required = true, .doc = "Asked before it, in this order"},
});
constexpr ObjectSpec kMirrorSpec = {.name = "RegistryMirror", .fields = kMirrorFields};

constexpr std::array kRegistriesFields = std::to_array<FieldSpec>({
    {.name = "insecure",
     .type = FieldType::kStringList,
     .doc = "HOST or HOST:PORT of registries without TLS; those on loopback need no entry"},
    {.name = "blocked", .type = FieldType::kStringList, .doc = "Registries that are never asked; \"*\": none is"},
    {.name = "mirrors", .type = FieldType::kObjectList, .object = &kMirrorSpec, .doc = "Where images are pulled from"},
});

bool is_registry(const std::string& text) {
  const auto colon = text.find(':');
  const std::string host = text.substr(0, colon);
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-'; };
  if (host.empty() || !std::all_of(host.begin(), host.end(), fits)) return false;
  if (colon == std::string::npos) return true;
  const std::string port = text.substr(colon + 1);
  return !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos &&
         std::stoi(port) > 0 && std::stoi(port) <= 65535;
}

std::vector<std::string> read_hosts(const View& view, bool any = false) {
  for (const auto& item : view.items()) {
    if (is_registry(item.text()) || (any && item.text() == "*")) continue;
    item.error(mismatch(describe(item.node()), "HOST or HOST:PORT without https:// and without a path"));
  }
  return view.texts();
}

}  // namespace

const ObjectSpec kRegistriesSpec = {.name = "Registries", .fields = kRegistriesFields};

RegistryPolicy read_registries(const View& view) {
  RegistryPolicy policy;
  policy.insecure = read_hosts(view["insecure"]);
  policy.blocked = read_hosts(view["blocked"], true);
  std::set<std::string> seen;
  for (const auto& item : view["mirrors"].items()) {
    const View registry = item["registry"];
    RegistryMirror mirror{registry.text(), read_hosts(item["hosts"])};
    if (!is_registry(mirror.registry))
      registry.error(mismatch(describe(registry.node()), "HOST or HOST:PORT without https:// and without a path"));
    if (mirror.hosts.empty()) item["hosts"].error(mismatch("no host", "at least one"));
    if (!seen.insert(mirror.registry).second)
      registry.error(mismatch("`" + mirror.registry + "` again", "each registry once"));
    policy.mirrors.push_back(std::move(mirror));
  }
  return policy;
}

}  // namespace mete::config
