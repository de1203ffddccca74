// SPDX-License-Identifier: Apache-2.0
// How fast a device may send: a token bucket (tbf, include/uapi/linux/pkt_sched.h). What a container gets is what the
// end on the bridge sends. What it sends comes in there, and no queue holds what comes in: it is led through a device
// of its own (ifb), which sends it to the bridge at the rate. Both are on this side of the link, out of the container's
// reach. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/network/netlink.h"

namespace mete::runtime::network {

// Bytes in a second; 0: no limit.
struct Bandwidth {
  std::uint64_t ingress = 0;  // into the container
  std::uint64_t egress = 0;
  std::uint64_t burst = 0;  // bytes that may pass at once; 0: what is sent in 10 ms, and at least 64 KiB
  bool operator==(const Bandwidth&) const = default;
};

[[nodiscard]] Message limit_rate(int index, std::uint64_t bytes_per_second, std::uint64_t burst);
// Takes the limit away. The error ENOENT or EINVAL: there is none.
[[nodiscard]] Message free_rate(int index);

// The device that holds what an end on a bridge sends: a name for each such end, which no bridge of mete's has.
[[nodiscard]] std::string shaper_of(const std::string& device);
// The name that earlier agents gave it: bridges of mete's begin with the same letters.
[[nodiscard]] std::string former_shaper_of(const std::string& device);
// All that comes in at `from` is sent by `shaper`, and then goes on its way. Two messages: the error EEXIST of the
// second is none, it is so already.
[[nodiscard]] Message hold_incoming(int from);
[[nodiscard]] Message redirect_incoming(int from, int shaper);
[[nodiscard]] Message free_incoming(int from);

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
