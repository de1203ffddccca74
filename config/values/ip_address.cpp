// SPDX-License-Identifier: Apache-2.0
#include "config/values/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace mete::config {
namespace {

// Clears all bits of `address` behind the first `length`.
IpAddress first_of(IpAddress address, unsigned length) {
  for (std::size_t i = 0; i < address.size(); ++i) {
    const unsigned begin = static_cast<unsigned>(i) * 8;
    const unsigned kept = length <= begin ? 0 : std::min(8U, length - begin);
    address.bytes[i] &= static_cast<std::uint8_t>(0xFF00U >> kept);
  }
  return address;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  const std::string whole(text);
  IpAddress address;
  if (::inet_pton(AF_INET, whole.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (::inet_pton(AF_INET6, whole.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string to_string(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  (void)::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

Result<IpRange> parse_range(std::string_view text) {
  const auto slash = text.find('/');
  const std::string found = "found \"" + std::string(text) + "\", ";
  const auto address = slash == std::string_view::npos ? std::nullopt : parse_ip(text.substr(0, slash));
  if (!address) return fail(found + "expected a range of addresses such as 10.77.0.0/16");
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const unsigned most = static_cast<unsigned>(address->size()) * 8;
  if (error != std::errc() || end != digits.data() + digits.size() || length > most)
    return fail(found + "expected a length from 0 to " + std::to_string(most) + " after the slash");
  const IpRange range = range_of(*address, length);
  if (range.address != *address) return fail(found + "expected its first address: " + to_string(range));
  return range;
}

std::string to_string(const IpRange& range) {
  return to_string(range.address) + "/" + std::to_string(range.length);
}

bool contains(const IpRange& range, const IpAddress& address) {
  return range.address.v6 == address.v6 && first_of(address, range.length) == range.address;
}

bool overlap(const IpRange& a, const IpRange& b) {
  return contains(a, b.address) || contains(b, a.address);
}

IpRange range_of(const IpAddress& address, unsigned length) {
  return {first_of(address, length), length};
}

IpAddress nth(const IpRange& range, std::uint64_t offset) {
  IpAddress address = range.address;
  unsigned carry = 0;
  for (std::size_t i = address.size(); i-- > 0;) {
    const unsigned sum = address.bytes[i] + static_cast<unsigned>(offset & 0xFFU) + carry;
    address.bytes[i] = static_cast<std::uint8_t>(sum);
    carry = sum >> 8U;
    offset >>= 8U;
    if (offset == 0 && carry == 0) break;
  }
  return address;
}

std::uint64_t offset_in(const IpRange& range, const IpAddress& address) {
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < address.size(); ++i) {
    const auto inside = static_cast<std::uint8_t>(address.bytes[i] - first_of(address, range.length).bytes[i]);
    offset = (offset << 8U) | inside;
  }
  return offset;
}

}  // namespace mete::config
