// SPDX-License-Identifier: Apache-2.0
// From a COPY or ADD in a Dockerfile to what is copied.
#pragma once

#include "runtime/build/copy_step.h"
#include "runtime/build/copy_words.h"
#include "runtime/build/stage_state.h"

namespace mete::runtime::build {

// Looks the sources up in `tree` and fetches URLs into the workspace. `passwd` and `group` are the image's.
struct NameFiles {
  std::string passwd;
  std::string group;
};
[[nodiscard]] Result<CopyStep> plan_copy(const Instruction& at, const CopyWords& words, const StageState& state,
                                         const SourceTree& tree, BuildContext& context);

// The image's /etc/passwd and /etc/group; "" where it has none.
[[nodiscard]] Result<NameFiles> name_files(const StageState& state, const image::Store& store);

}  // namespace mete::runtime::build
