// SPDX-License-Identifier: Apache-2.0
// Which address of a range comes next. Pure.
#pragma once

#include <set>
#include <vector>

#include "runtime/network/network_spec.h"

namespace mete::runtime::network {

class AddressPool {
 public:
  // `nobodys`: addresses that no container gets, such as the gateway. `part`: those that are given in turn; empty: all.
  AddressPool(IpRange range, const std::vector<IpAddress>& nobodys, const std::optional<IpRange>& part = {});

  // The address after the one that was given last, round the part: one that was given back is used again as late as
  // possible. The range's first address and, of v4, its last one (broadcast) are nobody's. The error: all are taken.
  [[nodiscard]] Result<IpAddress> take();
  // This one, which may be outside of the part. The error: it is taken, nobody's, or not of the range.
  [[nodiscard]] Status take(const IpAddress& wanted);
  void give_back(const IpAddress& address) { taken_.erase(config::offset_in(range_, address)); }
  [[nodiscard]] std::size_t used() const { return taken_.size(); }
  [[nodiscard]] std::uint64_t size() const;  // how many there are to be given in turn
  [[nodiscard]] const IpRange& range() const { return range_; }

 private:
  [[nodiscard]] std::uint64_t last() const;
  [[nodiscard]] bool is_free(std::uint64_t place) const { return !taken_.contains(place) && !nobodys_.contains(place); }
  IpRange range_;
  // By their places in the range.
  std::set<std::uint64_t> nobodys_;
  std::uint64_t first_of_part_ = 1;
  std::uint64_t last_of_part_ = 0;
  std::set<std::uint64_t> taken_;
  std::uint64_t given_ = 0;  // the last one
};

// Those of a network for IPv4, and for IPv6 where it has it.
[[nodiscard]] AddressPool pool_of(const NetworkSpec& network);
[[nodiscard]] std::optional<AddressPool> pool6_of(const NetworkSpec& network);

}  // namespace mete::runtime::network
