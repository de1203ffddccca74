// SPDX-License-Identifier: Apache-2.0
// Finds the containers that use an image. The agent knows them; without an agent the records of the pods do, because
// containers run on when the agent ends.
#pragma once

#include <vector>

#include "agent/cli/command_line.h"
#include "runtime/image/references.h"

namespace mete::agent::cli {

[[nodiscard]] std::vector<runtime::image::ImageUser> image_users(const Common& common);

}  // namespace mete::agent::cli
