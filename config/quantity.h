// SPDX-License-Identifier: Apache-2.0
// Amounts as people write them, to exact integers: no floating point anywhere. All functions are pure, take the whole
// text (no blanks around it), and fail with a sentence that says what was found and what was expected.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "config/result.h"
#include "config/units.h"

namespace mete::config {

// A Kubernetes quantity: sign, digits with an optional '.', and one of n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or a
// decimal exponent (1e3, 1E-3). The first rounds up to the next thousandth of a core, the second up to the next byte,
// the third up to the next whole ("2k" = 2000). Negative ones are read (who asks decides); out of 64 bits fails.
[[nodiscard]] Result<MilliCpu> parse_cpu(std::string_view text);
[[nodiscard]] Result<Bytes> parse_bytes(std::string_view text);
[[nodiscard]] Result<std::int64_t> parse_count(std::string_view text);

// "50ms", "1m30s", "1.5h": units ns us ms s m h d, at least one. Never negative; finer than 1 ns fails.
[[nodiscard]] Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// "25%", "12.5%", or a bare factor as "1.2". Never negative; finer than a millionth fails.
[[nodiscard]] Result<Ratio> parse_percent(std::string_view text);  // the '%' is required
[[nodiscard]] Result<Ratio> parse_factor(std::string_view text);   // without '%'

}  // namespace mete::config
