// SPDX-License-Identifier: Apache-2.0
// The amounts of CPU and memory that a container may ask for, in a manifest and in `mete update`.
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/base/units.h"
#include "config/values/quantity.h"

namespace mete::config {

template <class T>
struct AmountRule {
  T least, most;
  std::string_view expected;
};

inline constexpr MilliCpu kMostCpu(8192LL * 1000);  // NR_CPUS of the largest kernels
inline constexpr Bytes kMostMemory(1LL << 60U);     // more than any machine has; keeps sums of limits within 64 bits
// Less memory than 4Mi does not hold even a container's first process.
inline constexpr AmountRule<MilliCpu> kCpuLimit{MilliCpu(1), kMostCpu, "more than 0 and at most 8192 CPUs"};
inline constexpr AmountRule<MilliCpu> kCpuRequest{MilliCpu(0), kMostCpu, "0 to 8192 CPUs"};
inline constexpr AmountRule<Bytes> kMemoryLimit{Bytes(4LL << 20U), kMostMemory, "at least 4Mi and at most 1Ei"};
inline constexpr AmountRule<Bytes> kMemoryRequest{Bytes(0), kMostMemory, "0 to 1Ei bytes"};

[[nodiscard]] inline bool allows(const AmountRule<MilliCpu>& rule, MilliCpu amount) {
  return amount >= rule.least && amount <= rule.most;
}
[[nodiscard]] inline bool allows(const AmountRule<Bytes>& rule, Bytes amount) {
  return amount >= rule.least && amount <= rule.most;
}

// "m" after a size means thousandths of a byte: surely a mistake for M or Mi.
[[nodiscard]] inline std::string_view hint_of_size(std::string_view text) {
  return text.ends_with('m') ? " (`m` is thousandths of a byte; did you mean `M` or `Mi`?)" : "";
}

[[nodiscard]] inline Result<MilliCpu> parse_amount(std::string_view text, const AmountRule<MilliCpu>& rule) {
  METE_TRY(const MilliCpu amount, parse_cpu(text));
  if (allows(rule, amount)) return amount;
  return fail("found \"" + std::string(text) + "\", expected " + std::string(rule.expected));
}
[[nodiscard]] inline Result<Bytes> parse_amount(std::string_view text, const AmountRule<Bytes>& rule) {
  METE_TRY(const Bytes amount, parse_bytes(text));
  if (allows(rule, amount)) return amount;
  return fail("found \"" + std::string(text) + "\", expected " + std::string(rule.expected) +
              std::string(hint_of_size(text)));
}

}  // namespace mete::config
