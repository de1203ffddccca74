// SPDX-License-Identifier: Apache-2.0
// What the kernel answers to the lists of link_messages.h.
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cstring>

#include "runtime/network/link_messages.h"

namespace mete::runtime::network {
namespace {

// The attributes behind a head that is a plain struct.
template <class Head>
std::optional<std::pair<Head, std::vector<Attribute>>> parts_of(const struct nlmsghdr& message) {
  const std::string_view body = body_of(message);
  constexpr std::size_t kSize = NLMSG_ALIGN(sizeof(Head));
  if (body.size() < kSize) return std::nullopt;
  Head head{};
  std::memcpy(&head, body.data(), sizeof head);
  return std::pair(head, attributes_in(body.substr(kSize)));
}

std::optional<IpAddress> address_in(const Attribute& attribute, unsigned char family) {
  IpAddress address;
  address.v6 = family == AF_INET6;
  if ((!address.v6 && family != AF_INET) || attribute.data.size() != address.size()) return std::nullopt;
  std::memcpy(address.bytes.data(), attribute.data.data(), address.size());
  return address;
}

void take_vxlan(std::string_view data, Link& link) {
  OverlayLink& found = link.vxlan.emplace();
  for (const auto& each : attributes_in(data)) {
    if (each.type == IFLA_VXLAN_LINK) link.vxlan_link = static_cast<int>(each.u32());
    if (each.type == IFLA_VXLAN_ID) found.vni = each.u32();
    if (each.type == IFLA_VXLAN_PORT && each.data.size() == 2)
      found.port = static_cast<std::uint16_t>(static_cast<unsigned char>(each.data[0]) << 8U |
                                              static_cast<unsigned char>(each.data[1]));
    const unsigned char family = each.type == IFLA_VXLAN_LOCAL6 ? AF_INET6 : AF_INET;
    if (each.type == IFLA_VXLAN_LOCAL || each.type == IFLA_VXLAN_LOCAL6)
      found.local = address_in(each, family).value_or(found.local);
  }
}

}  // namespace

std::optional<Link> link_of(const struct nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWLINK) return std::nullopt;
  const auto parts = parts_of<ifinfomsg>(message);
  if (!parts) return std::nullopt;
  Link link;
  link.index = parts->first.ifi_index;
  link.up = (parts->first.ifi_flags & IFF_UP) != 0;
  for (const auto& each : parts->second) {
    if (each.type == IFLA_IFNAME) link.name = each.text();
    if (each.type == IFLA_MASTER) link.master = static_cast<int>(each.u32());
    if (each.type == IFLA_MTU) link.mtu = each.u32();
    if (each.type != IFLA_LINKINFO) continue;
    for (const auto& info : attributes_in(each.data)) {
      if (info.type == IFLA_INFO_KIND) link.kind = info.text();
      // After the kind, as the kernel has them.
      if (info.type == IFLA_INFO_DATA && link.kind == "vxlan") take_vxlan(info.data, link);
    }
  }
  return link;
}

std::optional<LinkAddress> address_of(const struct nlmsghdr& message) {
  const auto parts = message.nlmsg_type == RTM_NEWADDR ? parts_of<ifaddrmsg>(message) : std::nullopt;
  if (!parts) return std::nullopt;
  const auto& [head, attributes] = *parts;
  for (const auto& each : attributes) {
    const auto address = each.type == IFA_ADDRESS ? address_in(each, head.ifa_family) : std::nullopt;
    if (address) return LinkAddress{static_cast<int>(head.ifa_index), *address, head.ifa_prefixlen};
  }
  return std::nullopt;
}

std::optional<UsedRange> address_range_of(const struct nlmsghdr& message) {
  const auto found = address_of(message);
  if (!found) return std::nullopt;
  return UsedRange{found->link, config::range_of(found->address, found->length)};
}

std::optional<UsedRange> route_range_of(const struct nlmsghdr& message) {
  const auto parts = message.nlmsg_type == RTM_NEWROUTE ? parts_of<rtmsg>(message) : std::nullopt;
  if (!parts || parts->first.rtm_type != RTN_UNICAST || parts->first.rtm_dst_len == 0) return std::nullopt;
  UsedRange used;
  bool found = false;
  for (const auto& each : parts->second) {
    if (each.type == RTA_OIF) used.link = static_cast<int>(each.u32());
    const auto address = each.type == RTA_DST ? address_in(each, parts->first.rtm_family) : std::nullopt;
    if (!address) continue;
    used.range = config::range_of(*address, parts->first.rtm_dst_len);
    found = true;
  }
  return found ? std::optional(used) : std::nullopt;
}

}  // namespace mete::runtime::network
