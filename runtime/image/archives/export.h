// SPDX-License-Identifier: Apache-2.0
// `docker export`: the files of a container as one tar, as its processes see them without mounts.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::image {

// `layers` are names in `layers_directory`, topmost first. The kernel merges them, with `upper` above: the calling
// process gets a mount namespace of its own for it, which ends with the process. Nothing can be left mounted.
[[nodiscard]] Status export_tree(const std::string& upper, const std::string& layers_directory,
                                 const std::vector<std::string>& layers, int out);

}  // namespace mete::runtime::image
