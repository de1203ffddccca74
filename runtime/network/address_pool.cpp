// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/address_pool.h"

#include <algorithm>

namespace mete::runtime::network {

std::uint64_t AddressPool::last() const {
  // Of v6 the first 2^62 are enough.
  constexpr unsigned kMostBits = 62;
  const std::uint64_t all = std::uint64_t{1} << std::min(range_.host_bits(), kMostBits);
  return range_.address.v6 ? all - 1 : all - 2;
}

Result<IpAddress> AddressPool::take() {
  const std::uint64_t size = last() - first() + 1;
  if (taken_.size() >= size)
    return fail("network " + to_string(range_) + ": found all of its " + std::to_string(size) +
                " addresses taken, expected a free one");
  std::uint64_t place = given_ >= last() ? first() : std::max(first(), given_ + 1);
  // Along the run of taken ones that begins here, if there is one.
  for (auto at = taken_.find(place); at != taken_.end() && *at == place; ++at) {
    ++place;
    if (place > last()) {
      place = first();
      at = taken_.find(place);
      if (at == taken_.end()) break;
      ++place;
    }
  }
  taken_.insert(place);
  given_ = place;
  return config::nth(range_, place);
}

Status AddressPool::take(const IpAddress& wanted) {
  const std::string where = "address " + config::to_string(wanted);
  if (!contains(range_, wanted)) return fail(where + ": found it outside of the network's " + to_string(range_));
  const std::uint64_t place = config::offset_in(range_, wanted);
  if (place < first() || place > last())
    return fail(where + ": found one that is the network's own, expected one of a container");
  if (!taken_.insert(place).second) return fail(where + ": found it taken, expected a free one");
  return {};
}

}  // namespace mete::runtime::network
