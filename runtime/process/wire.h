// SPDX-License-Identifier: Apache-2.0
// A Plan as bytes, for the file the agent hands to mete-shim. Both are of one build: a version mismatch is refused,
// not converted. Integers are 8 bytes little endian, texts and lists have their length before them.
#pragma once

#include <string>
#include <string_view>

#include "config/result.h"
#include "runtime/process/setup_op.h"

namespace mete::runtime::process {

[[nodiscard]] std::string encode(const Plan& plan);

// Anything but the exact output of encode() is an error; no length in it is trusted.
[[nodiscard]] Result<Plan> decode_plan(std::string_view bytes);

}  // namespace mete::runtime::process
