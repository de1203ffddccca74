// SPDX-License-Identifier: Apache-2.0
// Carries out what link_messages.h and rules.h say, in the network namespace in which it was opened. Each call waits
// for the kernel: a link takes half a millisecond, and ten times that while links of others are being removed. So all
// of it belongs to a thread of its own, which enters new namespaces for a moment.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/network/link_messages.h"
#include "runtime/network/rules.h"
#include "runtime/network/vxlan.h"
#include "runtime/network/wireguard.h"

namespace mete::runtime::network {

// A network namespace that lives as long as somebody has it open, or a process is in it. Its loopback is up.
struct Namespace {
  UniqueFd file;
  NetlinkSocket inside;
};

class HostNetwork {
 public:
  // The error's code is EPERM, EACCES or EOPNOTSUPP where this machine or these rights have no networks.
  [[nodiscard]] static Result<HostNetwork> open();

  [[nodiscard]] Result<Namespace> make_namespace();
  // One that exists.
  [[nodiscard]] Result<Namespace> enter(UniqueFd file);

  // Makes the bridge, or takes the one that is there; gives it its addresses and brings it up. Its index. The error: a
  // device of that name is no bridge, or its addresses are others' already (EADDRINUSE). With
  // it the VXLAN device of a network over several machines.
  [[nodiscard]] Result<int> ensure_bridge(const NetworkSpec& network);
  [[nodiscard]] Status remove_bridge(const NetworkSpec& network);
  // The pair of devices, the address and the routes of an endpoint. After an error nothing of it is left.
  [[nodiscard]] Status connect(Namespace& inside, const NetworkSpec& network, int bridge, const Endpoint& endpoint);

  // The way to everywhere else leads through this device of the namespace from now on, where no other one does.
  [[nodiscard]] Status set_way_out(Namespace& inside, const NetworkSpec& network, const Endpoint& endpoint);

  // parent_network.cpp: of networks with a parent. Makes it where it is to come with the network, and looks whether the
  // kernel makes devices of it. The error: neither is so, and nothing is left.
  [[nodiscard]] Status ensure_parent(const NetworkSpec& network);
  // Removes it where it came with the network.
  [[nodiscard]] Status remove_parent(const NetworkSpec& network);
  // The device, the addresses and the routes of an endpoint. After an error nothing of it is left.
  [[nodiscard]] Status connect_to_parent(Namespace& inside, const NetworkSpec& network, const Endpoint& endpoint);
  // Removes the device of an endpoint whose namespace goes on. None is no error.
  [[nodiscard]] Status remove_inside(Namespace& inside, const std::string& device);

  // host_bandwidth.cpp: holds an endpoint that is connected to its bandwidth, whatever it was held to before. The
  // error's code is EOPNOTSUPP where this kernel has no way to hold what comes in.
  [[nodiscard]] Status hold_bandwidth(const Endpoint& endpoint);
  // Devices that hold what ends send, of ends that are not among `known`, go; those of an earlier name get their own.
  // `prefix`: end_prefix().
  [[nodiscard]] Status adopt_shapers(const std::set<std::string>& known, const std::string& prefix);
  // The device that held what it sent, which does not end with the link. None is no error.
  [[nodiscard]] Status remove_shaper(const Endpoint& endpoint);
  // What the limits of these have done so far, of each in turn.
  struct Throttling {
    QueueCounts ingress;
    QueueCounts egress;
  };
  [[nodiscard]] Result<std::vector<Throttling>> throttling(const std::vector<Endpoint>& endpoints);

  // Has the rules see what members of one network send to each other. The error: this kernel cannot.
  [[nodiscard]] Status filter_bridge(int bridge);

  // host_overlay.cpp: what the device of a network over several machines knows of the others, and another such state
  // in its place. What cannot be removed since it is gone is no error.
  [[nodiscard]] Result<VxlanEntries> vxlan_entries(const NetworkSpec& network);
  [[nodiscard]] Status change_vxlan(const NetworkSpec& network, const VxlanEntries& before, const VxlanEntries& after);

  // The device by which an encrypted network sends; 0: any.
  [[nodiscard]] int link_below(const NetworkSpec& network) const;

  // host_tunnel.cpp: makes this machine's end, or takes over the one that is there, whose sessions go on. It has to be
  // there before the bridge of an encrypted network. The error's code is EOPNOTSUPP where this kernel has no WireGuard.
  [[nodiscard]] Status ensure_tunnel(const Tunnel& tunnel);
  // What is wrong with it, as a sentence; empty: nothing.
  [[nodiscard]] Result<std::string> check_tunnel(const Tunnel& tunnel);
  // Other machines, in place of those that were wanted `before`. Whether others were there than those.
  [[nodiscard]] Result<bool> set_peers(const Tunnel& tunnel, const TunnelPeers& before, const TunnelPeers& wanted);
  // None is no error.
  [[nodiscard]] Status remove_tunnel(const std::string& device);

  // What is wrong with the bridge or with the ports of its endpoints, as a sentence; empty: nothing.
  [[nodiscard]] Result<std::string> check_bridge(const NetworkSpec& network, const std::vector<Endpoint>& endpoints);
  // Makes those ends that exist ports of the bridge again.
  [[nodiscard]] Status enslave(const NetworkSpec& network, int bridge, const std::vector<Endpoint>& endpoints);

  [[nodiscard]] Result<std::vector<Link>> links();
  [[nodiscard]] Status remove(const Link& link);
  // The pair of devices of an endpoint whose namespace goes on. None is no error.
  [[nodiscard]] Status disconnect(const Endpoint& endpoint);

  // The rules. One transaction each.
  [[nodiscard]] Status carry_out(std::vector<Message> rules);

  // net.ipv4.ip_forward and net.ipv6.conf.all.forwarding, where a network needs them.
  [[nodiscard]] Status forward(bool v6);

 private:
  explicit HostNetwork(NetlinkSocket links) : links_(std::move(links)) {}
  [[nodiscard]] Status ask(Message message, int tolerated);
  [[nodiscard]] Status hold_egress(const Endpoint& endpoint, int outer);
  [[nodiscard]] Status check_free(const IpRange& range, int bridge);
  [[nodiscard]] Result<int> make_parent(const NetworkSpec& network);
  [[nodiscard]] Status ensure_vxlan(const NetworkSpec& network, int bridge);
  [[nodiscard]] Status open_wireguard();
  [[nodiscard]] Result<int> make_tunnel(const Tunnel& tunnel);
  [[nodiscard]] Status settle_addresses(int index, const Tunnel& tunnel);
  [[nodiscard]] Result<PresentTunnel> present_tunnel(int index);
  [[nodiscard]] Status set_up_inside(Namespace& inside, const NetworkSpec& network, const Endpoint& endpoint);
  [[nodiscard]] UpOptions port_options(const NetworkSpec& network) const;
  NetlinkSocket links_;
  std::optional<NetlinkSocket> rules_;    // opened at the first use: networks without rules do without
  bool has_v6_ = false;                   // the kernel has IPv6
  std::optional<NetlinkSocket> generic_;  // with a tunnel
  std::uint16_t wireguard_ = 0;           // the number of its messages
  std::string tunnel_;                    // the device
};

// Of a device of this machine; 0: there is none of that name.
[[nodiscard]] int index_of(const std::string& device);
// The MTU of this machine's device that has the address. The error: none has it.
[[nodiscard]] Result<std::uint32_t> mtu_behind(const IpAddress& address);

}  // namespace mete::runtime::network
