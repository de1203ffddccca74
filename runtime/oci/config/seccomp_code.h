// SPDX-License-Identifier: Apache-2.0
// Instructions of a seccomp filter (linux/filter.h): what answers one call, and the binary search for the call.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "runtime/oci/config/seccomp_profile.h"

namespace mete::runtime::oci {

using Code = std::vector<sock_filter>;

// Loads a word of seccomp_data.
[[nodiscard]] sock_filter load(std::size_t offset);
// Ends the filter with an action.
[[nodiscard]] sock_filter answer(std::uint32_t action);
// Compares the loaded word with `k`, and jumps over `yes` or `no` instructions, at most 255.
[[nodiscard]] sock_filter jump(std::uint16_t test, std::uint32_t k, std::size_t yes, std::size_t no);
[[nodiscard]] sock_filter skip(std::size_t count);

void append(Code& code, const Code& more);

// The answer to a call: the rules with arguments in order, then `otherwise`.
struct Verdict {
  std::vector<const CallRule*> conditional;
  std::uint32_t otherwise = 0;
  bool operator==(const Verdict&) const = default;
};

struct CallRange {
  std::uint32_t first;
  Verdict verdict;  // for all calls up to the next range's first
};

// A binary search over the ranges, of which there is at least one; the accumulator holds the call's number. `wide`: the
// architecture's arguments have 64 bits, so both halves are tested.
[[nodiscard]] Code search(const std::vector<CallRange>& ranges, bool wide);

}  // namespace mete::runtime::oci
