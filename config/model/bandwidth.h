// SPDX-License-Identifier: Apache-2.0
// How fast a pod may receive and send, as people say it. Plain data and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::config {

inline constexpr const char* kBandwidthBurst = "mete/bandwidth-burst";  // annotation of a Pod, in bytes

struct Bandwidth {
  std::optional<std::int64_t> ingress;  // what the pod receives, bits a second
  std::optional<std::int64_t> egress;   // what it sends
  std::optional<std::int64_t> burst;    // bytes that may pass at once, in each direction
  [[nodiscard]] bool empty() const { return !ingress && !egress && !burst; }
  bool operator==(const Bandwidth&) const = default;
};

// Bits a second, with the bounds of Kubernetes' network plugins.
[[nodiscard]] Result<std::int64_t> parse_bits(std::string_view text);
// Bytes: at least a frame.
[[nodiscard]] Result<std::int64_t> parse_burst(std::string_view text);
// Takes "ingress=10M", "egress=2M" or "burst=256Ki" into `to`.
[[nodiscard]] Status set_bandwidth(Bandwidth& to, std::string_view word);

// `over` where it says something, else `under`.
[[nodiscard]] Bandwidth merged(const Bandwidth& under, const Bandwidth& over);
// The slower of both in each direction, with the burst of `bound` where it has one.
[[nodiscard]] Bandwidth bounded(const Bandwidth& asked, const Bandwidth& bound);

}  // namespace mete::config
