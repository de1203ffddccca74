// SPDX-License-Identifier: Apache-2.0
// The mounts of a RUN: files of the context, of a stage or an image; caches that outlive builds; memory; secrets.
#pragma once

#include "runtime/build/run_plan.h"

namespace mete::runtime::build {

// Makes the mount's source and adds the mount. Targets are absolute.
[[nodiscard]] Status add_run_mount(const RunMount& mount, std::size_t stage, BuildContext& context,
                                   PlannedRun& planned);

}  // namespace mete::runtime::build
