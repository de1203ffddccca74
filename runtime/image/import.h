// SPDX-License-Identifier: Apache-2.0
// From a directory or an archive to an image of the store.
#pragma once

#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/image/image.h"
#include "runtime/image/staging.h"

namespace mete::runtime::image {

// `name` is normalized. The image is visible when this returns it, and not at all when it returns an error.
[[nodiscard]] Result<Image> import_image(Staging& staging, const std::string& path, const std::string& name);

// What is common to all kinds: resolves the user by the layers that are in the store now, measures, and commits.
[[nodiscard]] Result<Image> finish_image(Staging& staging, Image image);

// Of a root file system that came without a configuration: its layer's sum makes the id.
[[nodiscard]] Result<Image> finish_rootfs(Staging& staging, const std::string& name, const std::string& sum);

}  // namespace mete::runtime::image
