// SPDX-License-Identifier: Apache-2.0
#include "config/reading/service_reader.h"

#include <array>

#include "config/model/diagnostics.h"
#include "config/reading/readers.h"
#include "config/reading/yaml/json_text.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

// In the order of ServiceType.
constexpr std::array kTypeNames =
    std::to_array<std::string_view>({"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"});

ServicePort read_service_port(const View& view, ServiceType type) {
  constexpr std::int64_t kHighest = 65535;
  ServicePort port;
  port.name = view["name"].text();
  if (!port.name.empty()) view["name"].check(check_dns_label(port.name));
  port.protocol = read_enum(view["protocol"], kProtocolNames, Protocol::kTcp);
  port.port = static_cast<std::uint16_t>(view["port"].integer().value_or(0));
  const View target = view["targetPort"];
  if (const auto number = target.integer()) {
    if (*number < 1 || *number > kHighest) target.error(mismatch(describe(target.node()), "a port from 1 to 65535"));
    port.target = static_cast<std::uint16_t>(*number);
  } else if (target) {
    port.target_name = target.text();
    if (port.target_name.empty()) target.error(mismatch(describe(target.node()), "a number or a port's name"));
  } else {
    port.target = port.port;
  }
  port.node_port = static_cast<std::uint16_t>(view["nodePort"].integer().value_or(0));
  if (port.node_port != 0 && !has_node_ports(type))
    view["nodePort"].error(mismatch("`nodePort` of a Service without type NodePort", "type: NodePort"));
  return port;
}

void read_service_ports(const View& list, Service& to) {
  std::set<std::string> names;
  std::set<std::pair<Protocol, std::uint16_t>> numbers;
  const auto items = list.items();
  for (const auto& item : items) {
    check_unique(item["name"], "port", names);
    to.ports.push_back(read_service_port(item, to.type));
    const auto& port = to.ports.back();
    if (port.name.empty() && items.size() > 1)
      item.error({"`name` is missing", "nothing", "`name`, as there are several ports"});
    if (!numbers.insert({port.protocol, port.port}).second)
      item["port"].error(mismatch(std::to_string(port.port) + " again", "each port of a protocol once"));
  }
}

// clusterIP and clusterIPs: one of each kind.
void read_addresses(const View& spec, Service& to) {
  const View first = spec["clusterIP"];
  to.headless = first.text() == "None";
  auto all = spec["clusterIPs"].items();
  if (first) all.insert(all.begin(), first);
  for (const auto& view : all) {
    const std::string text = view.text();
    if (text.empty() || text == "None") continue;
    const auto address = parse_ip(text);
    if (!address || to.headless) {
      view.error(mismatch(describe(view.node()), to.headless ? "None alone" : "an IP address, or None"));
      continue;
    }
    auto& own = address->v6 ? to.address6 : to.address;
    if (own && *own != *address) view.error(mismatch(describe(view.node()), "one address of each kind"));
    own = address;
  }
}

void read_families(const View& spec, Service& to) {
  constexpr std::array kPolicies =
      std::to_array<std::string_view>({"SingleStack", "PreferDualStack", "RequireDualStack"});
  to.family_policy = read_enum(spec["ipFamilyPolicy"], kPolicies, IpFamilyPolicy::kSingleStack);
  std::set<std::string> families;
  for (const auto& item : spec["ipFamilies"].items()) {
    const std::string family = item.text();
    if ((family != "IPv4" && family != "IPv6") || !families.insert(family).second)
      item.error(mismatch(describe(item.node()), "IPv4 or IPv6, each once"));
    if (families.size() == 1) to.v6_first = family == "IPv6";
  }
  const View policy = spec["ipFamilyPolicy"];
  const bool both = families.size() == 2 || (to.address && to.address6);
  if (!policy && both) to.family_policy = IpFamilyPolicy::kRequireDualStack;
  if (policy && both && to.family_policy == IpFamilyPolicy::kSingleStack)
    policy.error(mismatch("SingleStack with two kinds of addresses", "PreferDualStack or RequireDualStack"));
  if (families.empty()) to.v6_first = to.address6 && !to.address;
}

void read_external_name(const View& spec, Service& to) {
  const View name = spec["externalName"];
  if (to.type != ServiceType::kExternalName) {
    if (name) name.error(mismatch("`externalName` of another type", "type: ExternalName"));
    return;
  }
  to.external_name = name.text();
  while (to.external_name.ends_with('.')) to.external_name.pop_back();
  if (!name) return spec.error({"`externalName` is missing", "nothing", "`externalName`"});
  name.check(check_dns_subdomain(to.external_name));
}

}  // namespace

Service read_service(const View& view) {
  Service service;
  service.location = view.location();
  service.metadata = read_metadata(view);
  if (const View name = view["metadata"]["name"]) name.check(check_dns_label(service.metadata.name));
  const View spec = view["spec"];
  service.type = read_enum(spec["type"], kTypeNames, ServiceType::kClusterIp);
  service.selector = read_labels(spec["selector"]);
  read_addresses(spec, service);
  read_families(spec, service);
  read_service_ports(spec["ports"], service);
  read_external_name(spec, service);
  service.by_client = spec["sessionAffinity"].text() == "ClientIP";
  service.with_not_ready = spec["publishNotReadyAddresses"].boolean();
  const bool may_lack_ports = service.headless || service.type == ServiceType::kExternalName;
  if (service.ports.empty() && !may_lack_ports)
    spec.error({"`ports` is missing", "nothing", "at least one of `ports`"});
  if (service.headless && service.type != ServiceType::kClusterIp)
    spec["clusterIP"].error(mismatch(
        "None with type " + std::string(kTypeNames[static_cast<std::size_t>(service.type)]), "type: ClusterIP"));
  service.text = json_text(view.node());
  return service;
}

}  // namespace mete::config
