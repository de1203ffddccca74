// SPDX-License-Identifier: Apache-2.0
// A volume that is empty gets what the image has at the volume's place, before its container starts for the first time:
// docker's rule. Blocks; for a thread.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::agent::docker {

struct VolumeFill {
  std::string volume;  // the folder that holds the volume's "_data"
  std::string target;  // in the image: "/var/lib/data"
};

// `layers`: directories, topmost first. The image is a stranger's: the kernel resolves `target` and all below it with
// the image as "/", so that no link leads out of it. A volume with something in it stays as it is, unless an earlier
// fill of it did not come to its end. An image that has nothing at the place, or a file, leaves the volume empty.
[[nodiscard]] Status fill_volumes(const std::vector<std::string>& layers, const std::vector<VolumeFill>& fills);

}  // namespace mete::agent::docker
