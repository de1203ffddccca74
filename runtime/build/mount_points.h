// SPDX-License-Identifier: Apache-2.0
// The places on which a RUN has something mounted. Where the image has none they are made in a layer of their own,
// which lies between the image and what the RUN changes, and goes with the RUN: so no layer gets an empty /proc.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::build {

struct MountPoint {
  std::string path;  // absolute
  bool is_file = false;
};

// `image` is the image's mounted root, `layer` an empty directory. A folder that the layer gets because something is
// missing below it has the image's mode and owner. A symbolic link where a file is to be mounted is hidden by a file.
[[nodiscard]] Status make_mount_points(int image, const std::string& layer, const std::vector<MountPoint>& points);

}  // namespace mete::runtime::build
