// SPDX-License-Identifier: Apache-2.0
// The device by which a bridge reaches other machines (VXLAN, RFC 7348), and what it has to know of them: each address
// behind it is three or four entries that are written once, so nothing is flooded and nothing learned. Pure.
#pragma once

#include <compare>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/network/netlink.h"
#include "runtime/network/network_spec.h"

namespace mete::runtime::network {

// What an IPv4 packet of VXLAN has around the frame inside: Ethernet 14, IP 20 (v6: 40), UDP 8, VXLAN 8.
[[nodiscard]] constexpr std::uint32_t vxlan_overhead(bool v6) {
  return v6 ? 70 : 50;
}

// "mtb0a0b0c0d" has "mtx0a0b0c0d".
[[nodiscard]] std::string vxlan_device(const NetworkSpec& network);

// Without learning; the device itself answers ARP and neighbour discovery from its entries, and drops questions for
// others. What goes to a hardware address that it does not know is dropped, too, and so is every broadcast. `link`: the
// device by which it sends, with which it goes; 0: any. Down.
[[nodiscard]] Message make_vxlan(const NetworkSpec& network, int bridge, int link);
// Brings it up as a port that learns nothing and gets no frame for an unknown address. Isolated: of no other isolated
// port either.
[[nodiscard]] Message set_up_vxlan(int index, bool link_local, bool isolated);

// One pod of another machine.
struct RemoteEntry {
  MacAddress mac{};
  IpAddress vtep;     // the machine's address
  IpAddress address;  // the pod's, of either family
  auto operator<=>(const RemoteEntry&) const = default;
};
using RemoteEntries = std::set<RemoteEntry>;

// The kernel's form of it, which several entries may share a part of.
struct ForwardEntry {  // frames for `mac` go to this machine
  MacAddress mac{};
  IpAddress vtep;
  int link = 0;  // by this device; 0: as routes say
  auto operator<=>(const ForwardEntry&) const = default;
};
struct NeighbourEntry {
  IpAddress address;
  MacAddress mac{};
  auto operator<=>(const NeighbourEntry&) const = default;
};
struct VxlanEntries {
  std::set<ForwardEntry> forward;
  std::set<NeighbourEntry> neighbours;
  bool operator==(const VxlanEntries&) const = default;
};
[[nodiscard]] VxlanEntries entries_of(const RemoteEntries& remote, int link);

// From what the kernel has to what it is to have: what goes away stands before what comes, as the new machine of an
// address replaces the old one. `index`: the device's.
[[nodiscard]] std::vector<Message> change_entries(int index, const VxlanEntries& before, const VxlanEntries& after);

// What the device has, message by message of both answers.
[[nodiscard]] Message list_forward(int index);
[[nodiscard]] Message list_neighbours();
void take_entry(const struct nlmsghdr& message, int index, VxlanEntries& entries);

}  // namespace mete::runtime::network
