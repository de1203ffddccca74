// SPDX-License-Identifier: Apache-2.0
// Numbers in JSON documents of strangers. nlohmann's get<int>() makes some number of every one: of 4294967298 a 2, of
// -1 the largest unsigned, of 1.5 a 1; and of 1e300 whatever the processor makes. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "runtime/json.h"

namespace mete::runtime {

// A whole number within the range of T; nothing: anything else.
template <class T, class Json>
[[nodiscard]] std::optional<T> whole(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.template get<std::uint64_t>();
    return std::in_range<T>(number) ? std::optional(static_cast<T>(number)) : std::nullopt;
  }
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.template get<std::int64_t>();
  return std::in_range<T>(number) ? std::optional(static_cast<T>(number)) : std::nullopt;
}

// The same, and not below `least`. Throws what nlohmann's get() throws for another type, with what was found and what
// is expected.
template <class T, class Json>
[[nodiscard]] T whole_number(const Json& value, T least = std::numeric_limits<T>::min()) {
  const auto number = whole<T>(value);
  if (number && *number >= least) return *number;
  const std::string found = value.is_number() ? value.dump() : value.type_name();
  throw Json::out_of_range::create(406,
                                   "found " + found + ", expected a whole number from " + std::to_string(least) +
                                       " to " + std::to_string(std::numeric_limits<T>::max()),
                                   &value);
}

}  // namespace mete::runtime
