// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/address_pool.h"

#include <algorithm>

namespace mete::runtime::network {
namespace {

// Of v6 the first 2^62 are enough.
std::uint64_t count_of(const IpRange& range) {
  constexpr unsigned kMostBits = 62;
  return std::uint64_t{1} << std::min(range.host_bits(), kMostBits);
}

}  // namespace

AddressPool::AddressPool(IpRange range, const std::vector<IpAddress>& nobodys, const std::optional<IpRange>& part)
    : range_(range), last_of_part_(last()) {
  for (const auto& each : nobodys) nobodys_.insert(config::offset_in(range_, each));
  if (!part) return;
  const std::uint64_t begin = config::offset_in(range_, part->address);
  first_of_part_ = std::max<std::uint64_t>(begin, 1);
  last_of_part_ = std::min(begin + count_of(*part) - 1, last());
  given_ = first_of_part_ - 1;
}

std::uint64_t AddressPool::last() const {
  return range_.address.v6 ? count_of(range_) - 1 : count_of(range_) - 2;
}

std::uint64_t AddressPool::size() const {
  const auto not_given = std::distance(nobodys_.lower_bound(first_of_part_), nobodys_.upper_bound(last_of_part_));
  return last_of_part_ + 1 - first_of_part_ - static_cast<std::uint64_t>(not_given);
}

Result<IpAddress> AddressPool::take() {
  std::uint64_t place = given_;
  // Of so many places one at least is free, if one is.
  const std::uint64_t enough = std::min(taken_.size() + nobodys_.size() + 1, last_of_part_ + 1 - first_of_part_);
  for (std::uint64_t i = 0; i < enough; ++i) {
    place = place >= last_of_part_ ? first_of_part_ : std::max(first_of_part_, place + 1);
    if (!is_free(place)) continue;
    taken_.insert(place);
    given_ = place;
    return config::nth(range_, place);
  }
  return fail("network " + to_string(range_) + ": found all of its " + std::to_string(size()) +
              " addresses taken, expected a free one");
}

Status AddressPool::take(const IpAddress& wanted) {
  const std::string where = "address " + config::to_string(wanted);
  if (!contains(range_, wanted)) return fail(where + ": found it outside of the network's " + to_string(range_));
  const std::uint64_t place = config::offset_in(range_, wanted);
  if (place < 1 || place > last() || nobodys_.contains(place))
    return fail(where + ": found one that is the network's own, expected one of a container");
  if (!taken_.insert(place).second) return fail(where + ": found it taken, expected a free one");
  return {};
}

AddressPool pool_of(const NetworkSpec& network) {
  std::vector<IpAddress> nobodys = {gateway_of(network)};
  for (const auto& [name, address] : network.reserved) nobodys.push_back(address);
  return {network.range, nobodys, network.part};
}

std::optional<AddressPool> pool6_of(const NetworkSpec& network) {
  if (!network.range6) return std::nullopt;
  return AddressPool(*network.range6, {gateway6_of(network)});
}

}  // namespace mete::runtime::network
