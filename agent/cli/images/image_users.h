// SPDX-License-Identifier: Apache-2.0
// Which containers use images. The agent is asked; without one the pods' records tell, because containers go on.
#pragma once

#include <vector>

#include "agent/cli/command_line.h"
#include "runtime/image/references.h"

namespace mete::agent::cli {

[[nodiscard]] std::vector<runtime::image::ImageUser> image_users(const Common& common);

}  // namespace mete::agent::cli
