// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/link_messages.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>

namespace mete::runtime::network {
namespace {

constexpr std::uint8_t kNoLinkLocal = 1;  // IN6_ADDR_GEN_MODE_NONE

unsigned char family_of(const IpAddress& address) {
  return address.v6 ? AF_INET6 : AF_INET;
}

void add_no_link_local(Message& message) {
  const auto families = message.begin(IFLA_AF_SPEC | NLA_F_NESTED);
  const auto v6 = message.begin(AF_INET6 | NLA_F_NESTED);
  message.add_u8(IFLA_INET6_ADDR_GEN_MODE, kNoLinkLocal);
  message.end(v6);
  message.end(families);
}

}  // namespace

Message make_bridge(const NetworkSpec& network, const MacAddress& mac) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.add_text(IFLA_IFNAME, network.device);
  message.add_u32(IFLA_MTU, network.mtu);
  // Set by hand, or it would follow the lowest of its ports, and with it every container's neighbour entry.
  message.add(IFLA_ADDRESS, mac.data(), mac.size());
  const auto info = message.begin(IFLA_LINKINFO | NLA_F_NESTED);
  message.add_text(IFLA_INFO_KIND, "bridge");
  message.end(info);
  return message;
}

Message filter_bridge(int index) {
  struct ifinfomsg link {};
  link.ifi_index = index;
  Message message(RTM_NEWLINK, 0, link);
  const auto info = message.begin(IFLA_LINKINFO | NLA_F_NESTED);
  message.add_text(IFLA_INFO_KIND, "bridge");
  const auto data = message.begin(IFLA_INFO_DATA | NLA_F_NESTED);
  message.add_u8(IFLA_BR_NF_CALL_IPTABLES, 1);
  message.add_u8(IFLA_BR_NF_CALL_IP6TABLES, 1);
  message.end(data);
  message.end(info);
  return message;
}

Message make_veth(const VethPair& pair) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.add_text(IFLA_IFNAME, pair.device);
  message.add_u32(IFLA_MTU, pair.mtu);
  message.add_u32(IFLA_MASTER, static_cast<std::uint32_t>(pair.bridge));
  const auto info = message.begin(IFLA_LINKINFO | NLA_F_NESTED);
  message.add_text(IFLA_INFO_KIND, "veth");
  const auto data = message.begin(IFLA_INFO_DATA | NLA_F_NESTED);
  const auto peer = message.begin(VETH_INFO_PEER | NLA_F_NESTED, ifinfomsg{});
  message.add_text(IFLA_IFNAME, pair.inside_device);
  message.add_u32(IFLA_MTU, pair.mtu);
  message.add(IFLA_ADDRESS, pair.mac.data(), pair.mac.size());
  message.add_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(pair.inside));
  message.end(peer);
  message.end(data);
  message.end(info);
  return message;
}

Message set_up(const std::string& device, int index, const UpOptions& options) {
  struct ifinfomsg head {};
  head.ifi_index = index;
  head.ifi_flags = IFF_UP;
  head.ifi_change = IFF_UP;
  Message message(RTM_NEWLINK, 0, head);
  if (!device.empty()) message.add_text(IFLA_IFNAME, device);
  if (options.hairpin || options.isolated) {
    const auto info = message.begin(IFLA_LINKINFO | NLA_F_NESTED);
    message.add_text(IFLA_INFO_SLAVE_KIND, "bridge");
    const auto data = message.begin(IFLA_INFO_SLAVE_DATA | NLA_F_NESTED);
    if (options.hairpin) message.add_u8(IFLA_BRPORT_MODE, BRIDGE_MODE_HAIRPIN);
    if (options.isolated) message.add_u8(IFLA_BRPORT_ISOLATED, 1);
    message.end(data);
    message.end(info);
  }
  if (!options.link_local) add_no_link_local(message);
  return message;
}

Message set_down(int index) {
  struct ifinfomsg head {};
  head.ifi_index = index;
  head.ifi_change = IFF_UP;
  return {RTM_NEWLINK, 0, head};
}

Message rename_link(int index, const std::string& name) {
  struct ifinfomsg head {};
  head.ifi_index = index;
  Message message(RTM_NEWLINK, 0, head);
  message.add_text(IFLA_IFNAME, name);
  return message;
}

Message make_link(const std::string& name, const std::string& kind) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.add_text(IFLA_IFNAME, name);
  const auto info = message.begin(IFLA_LINKINFO | NLA_F_NESTED);
  message.add_text(IFLA_INFO_KIND, kind);
  message.end(info);
  return message;
}

Message add_address(int index, const IpAddress& address, unsigned length) {
  struct ifaddrmsg head {};
  head.ifa_family = family_of(address);
  head.ifa_prefixlen = static_cast<unsigned char>(length);
  // Its owner is known: no wait for somebody who might have it, too (RFC 4862, duplicate address detection).
  if (address.v6) head.ifa_flags = IFA_F_NODAD;
  head.ifa_scope = RT_SCOPE_UNIVERSE;
  head.ifa_index = static_cast<unsigned>(index);
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, head);
  message.add(IFA_LOCAL, address.bytes.data(), address.size());
  message.add(IFA_ADDRESS, address.bytes.data(), address.size());
  if (!address.v6) {
    IpAddress broadcast = address;
    for (unsigned bit = length; bit < 32; ++bit)
      broadcast.bytes[bit / 8] = static_cast<std::uint8_t>(broadcast.bytes[bit / 8] | 0x80U >> bit % 8);
    message.add(IFA_BROADCAST, broadcast.bytes.data(), broadcast.size());
  }
  return message;
}

Message remove_address(int index, const IpAddress& address, unsigned length) {
  struct ifaddrmsg head {};
  head.ifa_family = family_of(address);
  head.ifa_prefixlen = static_cast<unsigned char>(length);
  head.ifa_index = static_cast<unsigned>(index);
  Message message(RTM_DELADDR, 0, head);
  message.add(IFA_LOCAL, address.bytes.data(), address.size());
  return message;
}

Message set_mtu(int index, std::uint32_t mtu) {
  struct ifinfomsg head {};
  head.ifi_index = index;
  Message message(RTM_NEWLINK, 0, head);
  message.add_u32(IFLA_MTU, mtu);
  return message;
}

namespace {

Message dead_end(unsigned type, unsigned flags, const IpRange& range, std::uint32_t metric) {
  struct rtmsg head {};
  head.rtm_family = family_of(range.address);
  head.rtm_dst_len = static_cast<unsigned char>(range.length);
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_protocol = RTPROT_STATIC;
  head.rtm_scope = RT_SCOPE_UNIVERSE;
  head.rtm_type = RTN_UNREACHABLE;
  Message message(type, flags, head);
  message.add(RTA_DST, range.address.bytes.data(), range.address.size());
  message.add_u32(RTA_PRIORITY, metric);
  return message;
}

}  // namespace

Message add_dead_end(const IpRange& range, std::uint32_t metric) {
  return dead_end(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, range, metric);
}

Message remove_dead_end(const IpRange& range, std::uint32_t metric) {
  return dead_end(RTM_DELROUTE, 0, range, metric);
}

Message add_default_route(int index, const IpAddress& gateway) {
  struct rtmsg head {};
  head.rtm_family = family_of(gateway);
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_protocol = RTPROT_STATIC;
  head.rtm_scope = RT_SCOPE_UNIVERSE;
  head.rtm_type = RTN_UNICAST;
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, head);
  message.add(RTA_GATEWAY, gateway.bytes.data(), gateway.size());
  message.add_u32(RTA_OIF, static_cast<std::uint32_t>(index));
  return message;
}

Message set_master(int index, int bridge) {
  struct ifinfomsg head {};
  head.ifi_index = index;
  Message message(RTM_NEWLINK, 0, head);
  message.add_u32(IFLA_MASTER, static_cast<std::uint32_t>(bridge));
  return message;
}

Message remove_link(int index) {
  struct ifinfomsg head {};
  head.ifi_index = index;
  return {RTM_DELLINK, 0, head};
}

Message list_links() {
  return {RTM_GETLINK, 0, ifinfomsg{}};
}
Message list_addresses() {
  return {RTM_GETADDR, 0, ifaddrmsg{}};
}
Message list_routes() {
  return {RTM_GETROUTE, 0, rtmsg{}};
}

}  // namespace mete::runtime::network
