// SPDX-License-Identifier: Apache-2.0
// Parses amounts in manifests into exact integers, without floating point. All functions are pure and take the whole
// text, without blanks around it. An error is a sentence that says what was found and what was expected.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "config/base/result.h"
#include "config/base/units.h"

namespace mete::config {

// A Kubernetes quantity: sign, digits with an optional '.', and one of n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or a
// decimal exponent (1e3, 1E-3). parse_cpu rounds up to the next thousandth of a core, parse_bytes to the next byte,
// parse_count to the next integer ("2k" = 2000). Negative amounts are accepted (the caller decides). Error: more than
// 64 bits.
[[nodiscard]] Result<MilliCpu> parse_cpu(std::string_view text);
[[nodiscard]] Result<Bytes> parse_bytes(std::string_view text);
[[nodiscard]] Result<std::int64_t> parse_count(std::string_view text);

// "50ms", "1m30s", "1.5h": units ns us ms s m h d, at least one. Error: negative, or finer than 1 ns.
[[nodiscard]] Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// "25%", "12.5%", or a plain factor such as "1.2". Error: negative, or finer than a millionth.
[[nodiscard]] Result<Ratio> parse_percent(std::string_view text);  // the '%' is required
[[nodiscard]] Result<Ratio> parse_factor(std::string_view text);   // without '%'

}  // namespace mete::config
