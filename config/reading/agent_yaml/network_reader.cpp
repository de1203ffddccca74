// SPDX-License-Identifier: Apache-2.0
#include "config/reading/agent_yaml/network_reader.h"

#include <array>

#include "config/model/diagnostics.h"
#include "config/reading/agent_yaml/overlay_reader.h"
#include "config/reading/fields.h"
#include "config/values/ip_address.h"
#include "config/values/quantity.h"

namespace mete::config {
namespace {

constexpr std::array kDefaultNetworkNames = std::to_array<std::string_view>({"bridge", "none"});

constexpr std::array kCniFields = std::to_array<FieldSpec>({
    {.name = "configurations",
     .type = FieldType::kStringList,
     .doc = "Folders of network configurations; /etc/cni/net.d where none is set"},
    {.name = "plugins",
     .type = FieldType::kStringList,
     .doc = "Folders of plugins; /opt/cni/bin and /usr/lib/cni where none is set"},
    {.name = "timeout", .type = FieldType::kDuration, .doc = "A plugin that takes longer is killed, 1s to 10m; 30s"},
});

constexpr ObjectSpec kCniSpec = {.name = "Cni", .fields = kCniFields};

constexpr std::array kNetworkFields = std::to_array<FieldSpec>({
    {.name = "default",
     .type = FieldType::kString,
     .values = kDefaultNetworkNames,
     .doc = "Of pods without hostNetwork; not set: bridge where the machine can have it, otherwise none"},
    {.name = "device", .type = FieldType::kString, .doc = "The default bridge's name; mete0 where none is set"},
    {.name = "subnet", .type = FieldType::kString, .doc = "Its IPv4 addresses; 10.77.0.0/16 where none is set"},
    {.name = "subnet6", .type = FieldType::kString, .doc = "Its IPv6 addresses; not set: no IPv6"},
    {.name = "services",
     .type = FieldType::kString,
     .doc = "IPv4 addresses of Services; 10.79.0.0/16 where none is set"},
    {.name = "services6", .type = FieldType::kString, .doc = "Their IPv6 addresses; not set: Services have IPv4 alone"},
    {.name = "mtu", .type = FieldType::kInteger, .min = 1280, .max = 65535, .doc = "1500 where none is set"},
    {.name = "icc", .type = FieldType::kBool, .doc = "Containers reach each other on the default bridge"},
    {.name = "cni", .type = FieldType::kObject, .object = &kCniSpec, .doc = "Networks of CNI plugins"},
    {.name = "overlay",
     .type = FieldType::kObject,
     .object = &kOverlaySpec,
     .doc = "Networks over several machines: where they are kept"},
});

// A range that has room for a gateway and a container.
std::optional<IpRange> read_subnet(const View& view, bool v6) {
  if (!view) return std::nullopt;
  const auto range = parse_range(view.text());
  constexpr unsigned kLeastBits = 2;
  if (!range) {
    view.error({range.error().what, range.error().what});
  } else if (range->address.v6 != v6 || range->host_bits() < kLeastBits) {
    view.error(mismatch(describe(view.node()),
                        v6 ? "a range of IPv6 addresses, at most a /126" : "a range of IPv4 addresses, at most a /30"));
  } else {
    return *range;
  }
  return std::nullopt;
}

std::vector<std::string> read_folders(const View& view, std::vector<std::string> fallback) {
  if (!view) return fallback;
  auto folders = view.texts();
  for (const auto& each : folders) {
    // CNI_PATH separates folders by colons.
    if (!each.starts_with('/') || each.find(':') != std::string::npos)
      view.error(mismatch("\"" + each + "\"", "an absolute path without a colon"));
  }
  if (folders.empty()) view.error(mismatch("no folder", "at least one"));
  return folders;
}

CniPolicy read_cni(const View& view) {
  constexpr auto kLeast = std::chrono::seconds(1);
  constexpr auto kMost = std::chrono::minutes(10);
  CniPolicy cni;
  cni.configurations = read_folders(view["configurations"], cni.configurations);
  cni.plugins = read_folders(view["plugins"], cni.plugins);
  cni.timeout = read_with(view["timeout"], parse_duration).value_or(cni.timeout);
  if (cni.timeout < kLeast || cni.timeout > kMost)
    view["timeout"].error(mismatch(describe(view["timeout"].node()), "1s to 10m"));
  return cni;
}

}  // namespace

const ObjectSpec kNetworkSpec = {.name = "Network", .fields = kNetworkFields};

NetworkPolicy read_network(const View& view) {
  NetworkPolicy network;
  const std::string word = view["default"].text();
  if (word == "bridge") network.pods = DefaultNetwork::kBridge;
  if (word == "none") network.pods = DefaultNetwork::kNone;
  network.device = view["device"].text(network.device);
  constexpr std::size_t kLongestDevice = 15;  // IFNAMSIZ - 1
  const bool plain = network.device.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
  if (network.device.empty() || network.device.size() > kLongestDevice || !plain)
    view["device"].error(
        mismatch(describe(view["device"].node()), "at most 15 lower case letters, digits, '-' and '_'"));
  if (const auto range = read_subnet(view["subnet"], false)) network.range = *range;
  network.range6 = read_subnet(view["subnet6"], true);
  if (const auto range = read_subnet(view["services"], false)) network.services = *range;
  if (overlap(network.services, network.range))
    (view["services"] ? view["services"] : view["subnet"])
        .error(mismatch("services " + to_string(network.services) + " and subnet " + to_string(network.range),
                        "two ranges without a common address"));
  network.services6 = read_subnet(view["services6"], true);
  if (network.services6 && !network.range6) {
    view["services6"].error(mismatch("`services6` without `subnet6`", "`subnet6`: Services lead to pods' addresses"));
  } else if (network.services6 && overlap(*network.services6, *network.range6)) {
    view["services6"].error(mismatch(describe(view["services6"].node()), "a range without an address of `subnet6`"));
  }
  network.mtu = view["mtu"].integer().value_or(network.mtu);
  network.between_containers = view["icc"].boolean(network.between_containers);
  network.cni = read_cni(view["cni"]);
  network.overlay = read_overlay(view["overlay"]);
  return network;
}

}  // namespace mete::config
