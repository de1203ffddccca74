// SPDX-License-Identifier: Apache-2.0
// The messages of rtnetlink(7) that make links, addresses and routes. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/network/netlink.h"
#include "runtime/network/network_spec.h"

namespace mete::runtime::network {

inline constexpr int kLoopbackIndex = 1;  // of every network namespace

// Frames that one port of a bridge sends to another pass by the rules of inet, too.
[[nodiscard]] Message filter_bridge(int index);
[[nodiscard]] Message make_bridge(const NetworkSpec& network, const MacAddress& mac);
// The pair of an endpoint: one end on the bridge, the other born inside the namespace `inside`, which is open. (Moving
// it there later would wait 20 ms for the kernel's readers.) Both are down: IFF_UP fails here.
struct VethPair {
  std::string device;
  int bridge = 0;  // index of the bridge
  std::uint32_t mtu = 1500;
  MacAddress mac{};  // of the inner end
  int inside = -1;
  std::string inside_device = kInsideDevice;
};
[[nodiscard]] Message make_veth(const VethPair& pair);

struct UpOptions {
  // Without it the kernel gives the link no address of the link itself (fe80::/64).
  bool link_local = false;
  // Of a port of a bridge. Hairpin: a frame may leave by the port it came from, as it must when a container reaches
  // itself by its published port. Isolated: it reaches no other isolated port.
  bool hairpin = false;
  bool isolated = false;
};
// By name, or by index where the name is empty.
[[nodiscard]] Message set_up(const std::string& device, int index, const UpOptions& options);
[[nodiscard]] Message set_down(int index);
[[nodiscard]] Message rename_link(int index, const std::string& name);
// A device of a kind that needs nothing else: "dummy", "ifb". The error EEXIST: the name is taken.
[[nodiscard]] Message make_link(const std::string& name, const std::string& kind);
[[nodiscard]] Message add_address(int index, const IpAddress& address, unsigned length);
// Packets to the range are refused where no other route leads there; `metric` tells several such routes apart.
[[nodiscard]] Message add_dead_end(const IpRange& range, std::uint32_t metric);
[[nodiscard]] Message remove_dead_end(const IpRange& range, std::uint32_t metric);
[[nodiscard]] Message set_mtu(int index, std::uint32_t mtu);
[[nodiscard]] Message remove_address(int index, const IpAddress& address, unsigned length);
[[nodiscard]] Message add_default_route(int index, const IpAddress& gateway);
[[nodiscard]] Message set_master(int index, int bridge);
[[nodiscard]] Message remove_link(int index);

// All links of the namespace of the socket.
[[nodiscard]] Message list_links();
[[nodiscard]] Message list_addresses();
[[nodiscard]] Message list_routes();

struct Link {
  int index = 0;
  std::string name;
  int master = 0;    // index of its bridge; 0: none
  std::string kind;  // "bridge", "veth"; empty: a device
  bool up = false;
  std::uint32_t mtu = 0;
  std::optional<OverlayLink> vxlan;  // of one of kind "vxlan"; whether it is encrypted is not of the kernel
  int vxlan_link = 0;                // and the device by which alone it sends; 0: any
};
[[nodiscard]] std::optional<Link> link_of(const struct nlmsghdr& message);
// One of a link.
struct LinkAddress {
  int link = 0;
  IpAddress address;
  unsigned length = 0;  // of its range
};
[[nodiscard]] std::optional<LinkAddress> address_of(const struct nlmsghdr& message);
// A range that an address or a route of this machine covers, and of which link. Routes to everywhere are none.
struct UsedRange {
  int link = 0;
  IpRange range;
};
[[nodiscard]] std::optional<UsedRange> address_range_of(const struct nlmsghdr& message);
[[nodiscard]] std::optional<UsedRange> route_range_of(const struct nlmsghdr& message);

}  // namespace mete::runtime::network
