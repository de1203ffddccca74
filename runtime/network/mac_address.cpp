// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/mac_address.h"

#include <charconv>

namespace mete::runtime::network {

std::optional<MacAddress> parse_mac(const std::string& text) {
  constexpr std::size_t kOne = 3;  // "02:"
  MacAddress mac{};
  if (text.size() != mac.size() * kOne - 1) return std::nullopt;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char* const begin = text.data() + i * kOne;
    const auto [end, error] = std::from_chars(begin, begin + 2, mac[i], 16);
    if (error != std::errc() || end != begin + 2 || (i + 1 < mac.size() && *end != ':')) return std::nullopt;
  }
  return mac;
}

bool is_of_one_device(const MacAddress& mac) {
  constexpr std::uint8_t kGroup = 0x01;
  return mac != MacAddress{} && (mac[0] & kGroup) == 0;
}

}  // namespace mete::runtime::network
