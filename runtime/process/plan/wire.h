// SPDX-License-Identifier: Apache-2.0
// A Plan as bytes, for the file that the agent passes to mete-shim. Agent and shim are of one build: a version mismatch
// is an error; there is no conversion. Integers are 8 bytes, little endian; texts and lists begin with their length.
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/process/plan/foreign_plans.h"
#include "runtime/process/plan/setup_op.h"

namespace mete::runtime::process {

[[nodiscard]] std::string encode(const Plan& plan);

// Accepts only the exact output of encode(); no length in `bytes` is trusted.
[[nodiscard]] Result<Plan> decode_plan(std::string_view bytes);

// The same, with the operations alone that `wanted` says true of: a process that lives for a millisecond keeps no
// others.
[[nodiscard]] Result<Plan> decode_plan(std::string_view bytes, bool (*wanted)(const SetupOp&));

// The same for the runs of another runtime.
[[nodiscard]] std::string encode(const ForeignPlans& plans);
[[nodiscard]] Result<ForeignPlans> decode_foreign_plans(std::string_view bytes);

}  // namespace mete::runtime::process
