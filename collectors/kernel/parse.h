// SPDX-License-Identifier: Apache-2.0
// Functions shared by the parsers of all subjects: std::string_view in, fields out; nothing allocates.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string_view>

#include "collectors/kernel/sample.h"
#include "runtime/cgroup/text.h"

namespace mete::collectors {

using runtime::cgroup::next_line;
using runtime::cgroup::next_part;
using runtime::cgroup::next_word;
using runtime::cgroup::parse_i64;
using runtime::cgroup::parse_u64;
using runtime::cgroup::trim;

inline constexpr std::uint64_t kMaxSigned = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

// The kernel's counters are unsigned; Bytes and nanoseconds are signed. A number that does not fit becomes the largest
// one.
[[nodiscard]] constexpr Bytes to_bytes(std::uint64_t number) {
  return Bytes(static_cast<std::int64_t>(number < kMaxSigned ? number : kMaxSigned));
}
// `scale` nanoseconds per unit.
[[nodiscard]] constexpr std::chrono::nanoseconds to_time(std::uint64_t number, std::uint64_t scale) {
  return std::chrono::nanoseconds(number <= kMaxSigned / scale ? static_cast<std::int64_t>(number * scale)
                                                               : std::numeric_limits<std::int64_t>::max());
}
inline constexpr std::uint64_t kMicrosecond = 1'000;

// Calls each(key, number) for every "key number" line. Returns false when some line has another shape; the remaining
// lines are parsed all the same.
template <class Each>
[[nodiscard]] bool for_each_key(std::string_view text, Each each) {
  bool understood = true;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (line.empty()) continue;
    const std::size_t space = line.find(' ');
    const auto number = space == std::string_view::npos ? std::nullopt : parse_u64(trim(line.substr(space + 1)));
    if (number) {
      each(line.substr(0, space), *number);
    } else {
      understood = false;
    }
  }
  return understood;
}

// A key of a "key number" file and the member it goes to; one of the three is set.
template <class Part>
struct KeyField {
  std::string_view key;
  Count Part::*count = nullptr;
  Size Part::*size = nullptr;
  Time Part::*time = nullptr;
  std::uint64_t scale = 1;  // nanoseconds per unit of `time`
};

// Kernels print keys in a fixed order, so the search for a key starts after the last one found.
template <class Part, std::size_t N>
[[nodiscard]] bool parse_keys(std::string_view text, const std::array<KeyField<Part>, N>& fields, Part& into) {
  std::size_t next = 0;
  return for_each_key(text, [&](std::string_view key, std::uint64_t number) {
    for (std::size_t step = 0; step < N; ++step) {
      const std::size_t at = next + step < N ? next + step : next + step - N;
      const KeyField<Part>& field = fields[at];
      if (field.key != key) continue;
      if (field.count != nullptr) into.*field.count = number;
      if (field.size != nullptr) into.*field.size = to_bytes(number);
      if (field.time != nullptr) into.*field.time = to_time(number, field.scale);
      next = at + 1 < N ? at + 1 : 0;
      return;
    }
  });
}

// Parse files that hold one number. parse_limit: "max", "-1" or v1's largest number means no limit.
[[nodiscard]] inline bool parse_size(std::string_view text, Size& into) {
  const auto number = parse_u64(trim(text));
  if (number) into = to_bytes(*number);
  return number.has_value();
}
[[nodiscard]] inline bool parse_count(std::string_view text, Count& into) {
  const auto number = parse_u64(trim(text));
  if (number) into = number;
  return number.has_value();
}
[[nodiscard]] inline bool parse_limit(std::string_view text, SizeLimit& into) {
  const std::string_view word = trim(text);
  if (word == "max" || word == "-1") {
    into = runtime::cgroup::Limit<Bytes>::unlimited();
    return true;
  }
  const auto number = parse_u64(word);
  if (!number) return false;
  into = runtime::cgroup::is_v1_unlimited(*number) ? runtime::cgroup::Limit<Bytes>::unlimited()
                                                   : runtime::cgroup::Limit<Bytes>(to_bytes(*number));
  return true;
}

}  // namespace mete::collectors
