// SPDX-License-Identifier: Apache-2.0
// Fetches what a build takes from the network: base images that are not in the store, and the URLs of ADD.
#pragma once

#include "agent/cli/command_line.h"
#include "agent/cli/images/registry_access.h"
#include "runtime/build/build.h"

namespace mete::agent::cli {

// The arguments outlive the result.
[[nodiscard]] runtime::build::Outside build_outside(Common& common, const RegistryOptions& options,
                                                    runtime::image::Store& store, bool quiet);

}  // namespace mete::agent::cli
