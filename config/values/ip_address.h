// SPDX-License-Identifier: Apache-2.0
// IP addresses and ranges of them as values. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::config {

struct IpAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // in network order; of v4 the first 4
  [[nodiscard]] std::size_t size() const { return v6 ? 16 : 4; }
  auto operator<=>(const IpAddress&) const = default;
};

// A range: all addresses that begin with the first `length` bits of `address`, whose other bits are 0.
struct IpRange {
  IpAddress address;
  unsigned length = 0;
  [[nodiscard]] unsigned host_bits() const { return static_cast<unsigned>(address.size()) * 8 - length; }
  bool operator==(const IpRange&) const = default;
};

[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);
[[nodiscard]] std::string to_string(const IpAddress& address);
// "10.77.0.0/16". Bits behind the length must be 0.
[[nodiscard]] Result<IpRange> parse_range(std::string_view text);
[[nodiscard]] std::string to_string(const IpRange& range);

[[nodiscard]] bool contains(const IpRange& range, const IpAddress& address);
[[nodiscard]] bool overlap(const IpRange& a, const IpRange& b);
// The range of `length` bits that `address` is in.
[[nodiscard]] IpRange range_of(const IpAddress& address, unsigned length);
// The address `offset` places after the range's first one. `offset` is less than the number of its addresses.
[[nodiscard]] IpAddress nth(const IpRange& range, std::uint64_t offset);
// The last 64 bits of the place in its range.
[[nodiscard]] std::uint64_t offset_in(const IpRange& range, const IpAddress& address);

}  // namespace mete::config
