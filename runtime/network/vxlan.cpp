// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/vxlan.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace mete::runtime::network {
namespace {

constexpr std::uint8_t kNoKernelAddress = 1;  // IN6_ADDR_GEN_MODE_NONE

Message entry_message(unsigned type, unsigned flags, const struct ndmsg& head, const MacAddress& mac) {
  Message message(type, flags, head);
  message.add(NDA_LLADDR, mac.data(), mac.size());
  return message;
}

struct ndmsg entry_head(unsigned char family, int index, std::uint16_t state, std::uint8_t flags) {
  struct ndmsg head {};
  head.ndm_family = family;
  head.ndm_ifindex = index;
  head.ndm_state = state;
  head.ndm_flags = flags;
  return head;
}

// One entry of the VXLAN device (NTF_SELF: which machine) and one of its bridge (NTF_MASTER: by which port). NUD_NOARP
// with the latter is a static one; NUD_PERMANENT would make the address the machine's own.
void add_forward(int index, const ForwardEntry& entry, bool add, std::vector<Message>& messages) {
  const unsigned type = add ? RTM_NEWNEIGH : RTM_DELNEIGH;
  const unsigned flags = add ? NLM_F_CREATE | NLM_F_REPLACE : 0;
  auto own = entry_message(type, flags, entry_head(PF_BRIDGE, index, NUD_PERMANENT | NUD_NOARP, NTF_SELF), entry.mac);
  own.add(NDA_DST, entry.vtep.bytes.data(), entry.vtep.size());
  // The device's own link is that of its default destination alone.
  if (entry.link != 0) own.add_u32(NDA_IFINDEX, static_cast<std::uint32_t>(entry.link));
  messages.push_back(std::move(own));
  messages.push_back(entry_message(type, flags, entry_head(PF_BRIDGE, index, NUD_NOARP, NTF_MASTER), entry.mac));
}

void add_neighbour(int index, const NeighbourEntry& entry, bool add, std::vector<Message>& messages) {
  const unsigned char family = entry.address.v6 ? AF_INET6 : AF_INET;
  auto message = entry_message(add ? RTM_NEWNEIGH : RTM_DELNEIGH, add ? NLM_F_CREATE | NLM_F_REPLACE : 0,
                               entry_head(family, index, NUD_PERMANENT, 0), entry.mac);
  message.add(NDA_DST, entry.address.bytes.data(), entry.address.size());
  messages.push_back(std::move(message));
}

std::optional<IpAddress> ip_in(std::string_view data) {
  IpAddress address;
  address.v6 = data.size() == 16;
  if (data.size() != address.size()) return std::nullopt;
  std::memcpy(address.bytes.data(), data.data(), data.size());
  return address;
}

// Those of `from` that are not in `other`, in order.
template <class Entry>
std::vector<Entry> without(const std::set<Entry>& from, const std::set<Entry>& other) {
  std::vector<Entry> rest;
  std::set_difference(from.begin(), from.end(), other.begin(), other.end(), std::back_inserter(rest));
  return rest;
}

}  // namespace

std::string vxlan_device(const NetworkSpec& network) {
  std::string name = network.device;
  if (name.size() > 2) name[2] = 'x';
  return name;
}

Message make_vxlan(const NetworkSpec& network, int bridge, int link) {
  const OverlayLink& overlay = *network.overlay;
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.add_text(IFLA_IFNAME, vxlan_device(network));
  message.add_u32(IFLA_MTU, network.mtu);
  message.add_u32(IFLA_MASTER, static_cast<std::uint32_t>(bridge));
  const auto info = message.begin(IFLA_LINKINFO | NLA_F_NESTED);
  message.add_text(IFLA_INFO_KIND, "vxlan");
  const auto data = message.begin(IFLA_INFO_DATA | NLA_F_NESTED);
  message.add_u32(IFLA_VXLAN_ID, overlay.vni);
  if (link != 0) message.add_u32(IFLA_VXLAN_LINK, static_cast<std::uint32_t>(link));
  message.add(overlay.local.v6 ? IFLA_VXLAN_LOCAL6 : IFLA_VXLAN_LOCAL, overlay.local.bytes.data(),
              overlay.local.size());
  message.add_u16(IFLA_VXLAN_PORT, htons(overlay.port));
  message.add_u8(IFLA_VXLAN_LEARNING, 0);
  message.add_u8(IFLA_VXLAN_PROXY, 1);
  message.end(data);
  message.end(info);
  return message;
}

Message set_up_vxlan(int index, bool link_local, bool isolated) {
  struct ifinfomsg head {};
  head.ifi_index = index;
  head.ifi_flags = IFF_UP;
  head.ifi_change = IFF_UP;
  Message message(RTM_NEWLINK, 0, head);
  const auto info = message.begin(IFLA_LINKINFO | NLA_F_NESTED);
  message.add_text(IFLA_INFO_SLAVE_KIND, "bridge");
  const auto data = message.begin(IFLA_INFO_SLAVE_DATA | NLA_F_NESTED);
  message.add_u8(IFLA_BRPORT_LEARNING, 0);
  message.add_u8(IFLA_BRPORT_UNICAST_FLOOD, 0);
  message.add_u8(IFLA_BRPORT_ISOLATED, isolated ? 1 : 0);
  message.end(data);
  message.end(info);
  if (link_local) return message;
  const auto families = message.begin(IFLA_AF_SPEC | NLA_F_NESTED);
  const auto v6 = message.begin(AF_INET6 | NLA_F_NESTED);
  message.add_u8(IFLA_INET6_ADDR_GEN_MODE, kNoKernelAddress);
  message.end(v6);
  message.end(families);
  return message;
}

VxlanEntries entries_of(const RemoteEntries& remote, int link) {
  VxlanEntries entries;
  for (const auto& each : remote) {
    entries.forward.insert({each.mac, each.vtep, link});
    entries.neighbours.insert({each.address, each.mac});
  }
  return entries;
}

std::vector<Message> change_entries(int index, const VxlanEntries& before, const VxlanEntries& after) {
  std::vector<Message> messages;
  for (const auto& each : without(before.neighbours, after.neighbours)) add_neighbour(index, each, false, messages);
  for (const auto& each : without(before.forward, after.forward)) add_forward(index, each, false, messages);
  for (const auto& each : without(after.forward, before.forward)) add_forward(index, each, true, messages);
  for (const auto& each : without(after.neighbours, before.neighbours)) add_neighbour(index, each, true, messages);
  return messages;
}

Message list_forward(int index) {
  // The kernel reads a whole ifinfomsg here (rtnl_fdb_dump), and with it the device.
  struct ifinfomsg head {};
  head.ifi_family = PF_BRIDGE;
  head.ifi_index = index;
  return {RTM_GETNEIGH, 0, head};
}

Message list_neighbours() {
  return {RTM_GETNEIGH, 0, ndmsg{}};
}

void take_entry(const struct nlmsghdr& message, int index, VxlanEntries& entries) {
  const std::string_view body = body_of(message);
  struct ndmsg head {};
  constexpr std::size_t kSize = NLMSG_ALIGN(sizeof head);
  if (message.nlmsg_type != RTM_NEWNEIGH || body.size() < kSize) return;
  std::memcpy(&head, body.data(), sizeof head);
  // What was written by hand or by us; the kernel's own answers to traffic come and go.
  if (head.ndm_ifindex != index || (head.ndm_state & NUD_PERMANENT) == 0) return;
  const bool forwards = head.ndm_family == PF_BRIDGE;
  if (forwards && (head.ndm_flags & NTF_SELF) == 0) return;
  std::optional<IpAddress> destination;
  std::optional<MacAddress> mac;
  int link = 0;
  for (const auto& each : attributes_in(body.substr(kSize))) {
    if (each.type == NDA_DST) destination = ip_in(each.data);
    if (each.type == NDA_IFINDEX) link = static_cast<int>(each.u32());
    if (each.type != NDA_LLADDR || each.data.size() != std::tuple_size_v<MacAddress>) continue;
    mac.emplace();
    std::memcpy(mac->data(), each.data.data(), mac->size());
  }
  if (!destination || !mac) return;
  if (forwards) {
    entries.forward.insert({*mac, *destination, link});
  } else {
    entries.neighbours.insert({*destination, *mac});
  }
}

}  // namespace mete::runtime::network
