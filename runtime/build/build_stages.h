// SPDX-License-Identifier: Apache-2.0
// Builds stages, those that do not need each other side by side.
#pragma once

#include <vector>

#include "runtime/build/stage_state.h"

namespace mete::runtime::build {

// `order`: as needed_stages() gives it; returns what its last stage has come to. The error of the first stage that
// fails; it ends the RUN of the others.
[[nodiscard]] Result<StageState> build_stages(BuildContext& context, const std::vector<std::size_t>& order);

}  // namespace mete::runtime::build
