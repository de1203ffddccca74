// SPDX-License-Identifier: Apache-2.0
// Containers as further devices of a device of this machine: macvlan and ipvlan (include/uapi/linux/if_link.h). The
// words are docker's. Pure.
#pragma once

#include <optional>
#include <string>

#include "runtime/network/netlink.h"
#include "runtime/network/network_spec.h"

namespace mete::runtime::network {

// An option of `network create`: parent, macvlan_mode, ipvlan_mode or ipvlan_flag, and conf of driver cni. The error:
// the driver has no such option, or the option no such value.
[[nodiscard]] Status set_option(NetworkSpec& network, const std::string& name, const std::string& value);
// Those that its maker has given, in the same words.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> options_of(const NetworkSpec& network);

// Its containers know no router: all that is not theirs goes to the parent (ipvlan in modes l3 and l3s).
[[nodiscard]] bool routes_by_device(const NetworkSpec& network);

// What "eth0.10" names.
struct Vlan {
  std::string device;
  std::uint16_t id = 0;  // 1 to 4094
  bool operator==(const Vlan&) const = default;
};
[[nodiscard]] std::optional<Vlan> vlan_of(const std::string& parent);

// A container's device, born inside the namespace `inside`, which is open. It is down.
[[nodiscard]] Message make_on_parent(const NetworkSpec& network, const Endpoint& endpoint, int parent, int inside);
[[nodiscard]] Message make_vlan(const std::string& name, const Vlan& vlan, int device);
[[nodiscard]] Message add_default_route_by_device(int index, bool v6);

}  // namespace mete::runtime::network
