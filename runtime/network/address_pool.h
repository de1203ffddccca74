// SPDX-License-Identifier: Apache-2.0
// Which address of a range comes next. Pure.
#pragma once

#include <set>

#include "runtime/network/network_spec.h"

namespace mete::runtime::network {

class AddressPool {
 public:
  explicit AddressPool(IpRange range) : range_(range) {}

  // The address after the one that was given last, round the range: one that was given back is used again as late as
  // possible. The range's first address, its gateway and, of v4, its last one (broadcast) are nobody's. The error: all
  // are taken.
  [[nodiscard]] Result<IpAddress> take();
  // This one. The error: it is taken, nobody's, or not of the range.
  [[nodiscard]] Status take(const IpAddress& wanted);
  void give_back(const IpAddress& address) { taken_.erase(config::offset_in(range_, address)); }
  [[nodiscard]] std::size_t used() const { return taken_.size(); }
  [[nodiscard]] std::uint64_t size() const { return last() - first() + 1; }  // how many there are to be given
  [[nodiscard]] const IpRange& range() const { return range_; }

 private:
  [[nodiscard]] std::uint64_t first() const { return 2; }
  [[nodiscard]] std::uint64_t last() const;
  IpRange range_;
  std::set<std::uint64_t> taken_;  // by their places in the range
  std::uint64_t given_ = 1;        // the last one
};

}  // namespace mete::runtime::network
