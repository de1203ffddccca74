// SPDX-License-Identifier: Apache-2.0
// Shared by the readers of a Policy's parts. Internal to config/.
#pragma once

#include <limits>
#include <optional>
#include <string>

#include "config/model/diagnostics.h"
#include "config/model/policy.h"
#include "config/reading/fields.h"
#include "config/reading/readers.h"
#include "config/values/quantity.h"

namespace mete::config {

inline constexpr Ratio kWhole(1'000'000);

// Reports an amount outside [least, most]; an empty optional is not reported.
template <class T>
void check_range(const View& view, const std::optional<T>& value, T least, T most, const std::string& expected) {
  if (value && (*value < least || *value > most)) view.error(mismatch(describe(view.node()), expected));
}

inline Ratio read_share(const View& view) {
  const auto share = read_with(view, parse_percent);
  check_range(view, share, Ratio(1), kWhole, "more than 0% and at most 100%");
  return share.value_or(Ratio());
}

inline Duration read_time(const View& view) {
  const auto time = read_with(view, parse_duration);
  check_range(view, time, Duration(1), Duration::max(), "more than 0");
  return time.value_or(Duration());
}

template <class T>
T read_amount(const View& view, Result<T> (*parse)(std::string_view), T least, const std::string& expected) {
  const auto amount = read_with(view, parse);
  check_range(view, amount, least, T(std::numeric_limits<std::int64_t>::max()), expected);
  return amount.value_or(T());
}

inline std::optional<Bytes> read_bytes(const View& view) {
  if (!view) return std::nullopt;
  return read_amount(view, parse_bytes, Bytes(1), "more than 0");
}

[[nodiscard]] MemoryPolicy read_memory_policy(const View& view);

}  // namespace mete::config
