// SPDX-License-Identifier: Apache-2.0
// Tells when a burst of starts is over: the time to give back what only starts need. Pure.
#pragma once

#include <cstdint>
#include <utility>

namespace mete::agent {

class StartBurst {
 public:
  // Fewer starts than these between two quiet looks are no burst: what they need is needed all the time.
  static constexpr std::uint64_t kFewest = 32;

  // Called about once a second with the number of all starts so far. True: a burst has ended since the last call.
  [[nodiscard]] bool is_over(std::uint64_t starts) {
    if (starts != seen_) {
      burst_ += starts - std::exchange(seen_, starts);
      return false;
    }
    return std::exchange(burst_, 0) >= kFewest;
  }

 private:
  std::uint64_t seen_ = 0;
  std::uint64_t burst_ = 0;  // starts since the last look that found none
};

}  // namespace mete::agent
