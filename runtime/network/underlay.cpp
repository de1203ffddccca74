// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/underlay.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>

namespace mete::runtime::network {
namespace {

struct Word {
  const char* text;
  std::uint32_t number;
};
// The first one is that of a network that names none.
constexpr Word kMacvlanModes[] = {{"bridge", MACVLAN_MODE_BRIDGE},
                                  {"private", MACVLAN_MODE_PRIVATE},
                                  {"vepa", MACVLAN_MODE_VEPA},
                                  {"passthru", MACVLAN_MODE_PASSTHRU}};
constexpr Word kIpvlanModes[] = {{"l2", IPVLAN_MODE_L2}, {"l3", IPVLAN_MODE_L3}, {"l3s", IPVLAN_MODE_L3S}};
constexpr Word kIpvlanFlags[] = {{"bridge", 0}, {"private", IPVLAN_F_PRIVATE}, {"vepa", IPVLAN_F_VEPA}};

template <std::size_t N>
std::uint32_t number_of(const Word (&words)[N], const std::string& text) {
  for (const auto& [each, number] : words) {
    if (text == each) return number;
  }
  return words[0].number;
}

template <std::size_t N>
Status take_word(const Word (&words)[N], const std::string& name, const std::string& value, std::string& taken) {
  std::string all;
  for (std::size_t i = 0; i < N; ++i) {
    if (value == words[i].text) {
      taken = value;
      return {};
    }
    all += std::string(i == 0 ? "" : i + 1 == N ? " or " : ", ") + words[i].text;
  }
  return fail("network option " + name + ": found \"" + value + "\", expected " + all);
}

Status take_device(const std::string& value, std::string& taken) {
  const bool fine = !value.empty() && value.size() < IF_NAMESIZE && value != "." && value != ".." &&
                    value.find_first_of("/: \t\n") == std::string::npos;
  if (!fine)
    return fail("network option parent: found \"" + value + "\", expected a device of this machine, or DEVICE.VLAN");
  if (value == "lo") return fail("network option parent: found lo, expected a device that others are reached by");
  taken = value;
  return {};
}

constexpr const char* kEncrypted = "encrypted";

// docker's word, which stands there without a value as a rule.
Status take_encrypted(NetworkSpec& network, const std::string& value) {
  const bool on = value.empty() || value == "true" || value == "1";
  if (!on && value != "false" && value != "0")
    return fail("network option encrypted: found \"" + value + "\", expected true, false or nothing");
  if (!network.overlay) network.overlay.emplace();
  network.overlay->encrypted = on;
  return {};
}

}  // namespace

Status set_option(NetworkSpec& network, const std::string& name, const std::string& value) {
  Underlay& underlay = network.underlay;
  if (has_parent(network) && name == "parent") return take_device(value, underlay.parent);
  if (network.driver == Driver::kMacvlan && name == "macvlan_mode")
    return take_word(kMacvlanModes, name, value, underlay.mode);
  if (network.driver == Driver::kIpvlan && name == "ipvlan_mode")
    return take_word(kIpvlanModes, name, value, underlay.mode);
  if (network.driver == Driver::kIpvlan && name == "ipvlan_flag")
    return take_word(kIpvlanFlags, name, value, underlay.flag);
  if (network.driver == Driver::kCni && name == "conf" && !value.empty()) {
    network.configuration = value;
    return {};
  }
  if (network.driver == Driver::kOverlay && name == kEncrypted) return take_encrypted(network, value);
  return fail("network option " + name + ": found one that driver " + to_string(network.driver) + " does not have");
}

std::vector<std::pair<std::string, std::string>> options_of(const NetworkSpec& network) {
  std::vector<std::pair<std::string, std::string>> all;
  const Underlay& underlay = network.underlay;
  const bool is_macvlan = network.driver == Driver::kMacvlan;
  if (!underlay.parent.empty()) all.emplace_back("parent", underlay.parent);
  if (!underlay.mode.empty()) all.emplace_back(is_macvlan ? "macvlan_mode" : "ipvlan_mode", underlay.mode);
  if (!underlay.flag.empty()) all.emplace_back("ipvlan_flag", underlay.flag);
  if (is_encrypted(network)) all.emplace_back(kEncrypted, "");
  if (!network.configuration.empty()) all.emplace_back("conf", network.configuration);
  return all;
}

bool routes_by_device(const NetworkSpec& network) {
  return network.driver == Driver::kIpvlan && network.underlay.mode.starts_with("l3");
}

std::optional<Vlan> vlan_of(const std::string& parent) {
  constexpr std::uint16_t kMost = 4094;
  const auto dot = parent.rfind('.');
  if (dot == std::string::npos || dot == 0) return std::nullopt;
  Vlan vlan{parent.substr(0, dot), 0};
  const char* const end = parent.data() + parent.size();
  const auto [at, error] = std::from_chars(parent.data() + dot + 1, end, vlan.id);
  if (error != std::errc() || at != end || vlan.id < 1 || vlan.id > kMost) return std::nullopt;
  return vlan;
}

Message make_on_parent(const NetworkSpec& network, const Endpoint& endpoint, int parent, int inside) {
  const bool is_macvlan = network.driver == Driver::kMacvlan;
  const Underlay& underlay = network.underlay;
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.add_text(IFLA_IFNAME, endpoint.inside);
  message.add_u32(IFLA_LINK, static_cast<std::uint32_t>(parent));
  message.add_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(inside));
  if (network.mtu != 0) message.add_u32(IFLA_MTU, network.mtu);
  if (endpoint.mac != MacAddress{}) message.add(IFLA_ADDRESS, endpoint.mac.data(), endpoint.mac.size());
  const auto info = message.begin(IFLA_LINKINFO | NLA_F_NESTED);
  message.add_text(IFLA_INFO_KIND, to_string(network.driver));
  const auto data = message.begin(IFLA_INFO_DATA | NLA_F_NESTED);
  if (is_macvlan) {
    message.add_u32(IFLA_MACVLAN_MODE, number_of(kMacvlanModes, underlay.mode));
  } else {
    message.add_u16(IFLA_IPVLAN_MODE, static_cast<std::uint16_t>(number_of(kIpvlanModes, underlay.mode)));
    message.add_u16(IFLA_IPVLAN_FLAGS, static_cast<std::uint16_t>(number_of(kIpvlanFlags, underlay.flag)));
  }
  message.end(data);
  message.end(info);
  return message;
}

Message make_vlan(const std::string& name, const Vlan& vlan, int device) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.add_text(IFLA_IFNAME, name);
  message.add_u32(IFLA_LINK, static_cast<std::uint32_t>(device));
  const auto info = message.begin(IFLA_LINKINFO | NLA_F_NESTED);
  message.add_text(IFLA_INFO_KIND, "vlan");
  const auto data = message.begin(IFLA_INFO_DATA | NLA_F_NESTED);
  message.add_u16(IFLA_VLAN_ID, vlan.id);
  message.end(data);
  message.end(info);
  return message;
}

Message add_default_route_by_device(int index, bool v6) {
  struct rtmsg head {};
  head.rtm_family = v6 ? AF_INET6 : AF_INET;
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_protocol = RTPROT_STATIC;
  head.rtm_scope = v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  head.rtm_type = RTN_UNICAST;
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, head);
  message.add_u32(RTA_OIF, static_cast<std::uint32_t>(index));
  return message;
}

}  // namespace mete::runtime::network
