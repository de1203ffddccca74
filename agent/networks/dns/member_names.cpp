// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/dns/member_names.h"

#include <algorithm>
#include <string_view>

#include "agent/networks/pod_wishes.h"
#include "config/values/names.h"
#include "runtime/pod/name_files.h"

namespace mete::agent {

std::vector<std::string> names_of(const config::Pod& pod) {
  const auto& metadata = pod.metadata;
  // A docker client's container has another name than its pod once it is renamed.
  const std::string asked = annotation_of(pod, kDockerName);
  const std::string& own = asked.empty() ? metadata.name : asked;
  std::vector<std::string> names = {config::full_name(metadata), own, own + "." + metadata.namespace_};
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  add(pod.spec.hostname);
  // HOSTNAME.SUBDOMAIN.NAMESPACE.svc.cluster.local and its beginnings, as a headless Service has them.
  const std::string full = runtime::pod::full_hostname_of(pod);
  add(full);
  std::size_t dot = full.find('.');
  for (int parts = 0; parts < 3 && dot != std::string::npos; ++parts) {
    dot = full.find('.', dot + 1);
    add(full.substr(0, dot));
  }
  std::string aliases = annotation_of(pod, "mete/aliases");
  while (!aliases.empty()) {
    const auto comma = aliases.find(',');
    std::string name = aliases.substr(0, comma);
    std::erase(name, ' ');
    if (config::check_dns_subdomain(name)) add(name);
    aliases.erase(0, comma == std::string::npos ? aliases.size() : comma + 1);
  }
  return names;
}

Result<std::map<std::string, std::string>> links_of(const config::Pod& pod) {
  std::map<std::string, std::string> links;
  std::string text = annotation_of(pod, "mete/links");
  std::erase(text, ' ');
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view each = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), each.size() + 1));
    const auto equal = each.find('=');
    const auto slash = each.find('/');
    if (equal == 0 || equal == std::string_view::npos || slash == std::string_view::npos || slash < equal)
      return fail("mete/links: found \"" + std::string(each.substr(0, 80)) + "\", expected NAME=NAMESPACE/POD");
    links[std::string(each.substr(0, equal))] = each.substr(equal + 1);
  }
  return links;
}

}  // namespace mete::agent
