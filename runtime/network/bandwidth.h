// SPDX-License-Identifier: Apache-2.0
// How fast a device may send: a token bucket (tbf, include/uapi/linux/pkt_sched.h). What a container gets is what the
// end on the bridge sends; what it sends is held at its own end, where a program that is too fast waits. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/network/netlink.h"

namespace mete::runtime::network {

// Bytes in a second; 0: no limit.
struct Bandwidth {
  std::uint64_t ingress = 0;  // into the container
  std::uint64_t egress = 0;
  bool operator==(const Bandwidth&) const = default;
};

[[nodiscard]] Message limit_rate(int index, std::uint64_t bytes_per_second);
// The queues of all devices of the namespace.
[[nodiscard]] Message list_queues();

struct QueueCounts {
  int index = 0;
  std::uint64_t delayed = 0;  // packets that found no token and waited
  std::uint64_t dropped = 0;  // packets that found the queue full
};
// Of a token bucket; empty: another kind of queue.
[[nodiscard]] std::optional<QueueCounts> queue_of(const struct nlmsghdr& message);

}  // namespace mete::runtime::network
