// SPDX-License-Identifier: Apache-2.0
// Where a container asks for names whose network has no address of this machine that it reaches: 127.0.0.11 of its own
// loopback, as docker's containers do. The socket is made in the container's network namespace and belongs to the
// agent, which answers there. Port 53 stays free for servers of the container (bind of 0.0.0.0:53 is refused where
// anybody has 127.0.0.11:53): a table of nftables in that namespace leads it to a port that the kernel has chosen, by
// writing port numbers into packets, since NAT would have the kernel track every connection of the container.
#pragma once

#include <cstdint>
#include <vector>

#include "config/base/result.h"
#include "config/values/ip_address.h"
#include "runtime/fd.h"
#include "runtime/network/netlink.h"

namespace mete::runtime::network {

inline constexpr config::IpAddress kInnerResolver{false, {127, 0, 0, 11}};
inline constexpr std::uint16_t kDomainPort = 53;

// The messages that lead UDP port 53 of kInnerResolver to `port` and back, whatever led there before. One transaction.
// Pure.
[[nodiscard]] std::vector<Message> inner_resolver_rules(std::uint16_t port);

// A UDP socket in the namespace `space`, to which questions for names come; it keeps the namespace alive. Enters the
// namespace for a moment: see NetworkVisit. The error: the kernel has no nf_tables, or refuses; nothing is left but
// rules that lead nowhere.
[[nodiscard]] Result<UniqueFd> open_inner_resolver(int space);

}  // namespace mete::runtime::network
