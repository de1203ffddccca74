// SPDX-License-Identifier: Apache-2.0
// Imports a directory or an archive as an image of the store.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/image/archives/archive.h"
#include "runtime/image/archives/layout.h"
#include "runtime/image/image.h"
#include "runtime/image/staging.h"

namespace mete::runtime::image {

// `name` is normalized. The image is visible when the function returns it; after an error nothing is visible.
[[nodiscard]] Result<Image> import_image(Staging& staging, const ArchivePlace& place, const std::string& name);

// Adds the root file system of an archive as a layer; returns the sum of its tar, which is its diff_id.
[[nodiscard]] Result<std::string> add_rootfs_layer(Staging& staging, const ArchivePlace& place,
                                                   Whiteouts whiteouts = Whiteouts::kApply);

// Unpacks an archive of images into the staging directory.
[[nodiscard]] Result<Layout> unpack_layout(Staging& staging, const ArchivePlace& place);

// The last step of every import: resolves the user with the layers in the store, measures the layers, and commits.
// An image without a name is not committed where it has one already.
[[nodiscard]] Result<Image> finish_image(Staging& staging, Image image);

// The last step for a root file system without a configuration: the layer's sum gives the id.
[[nodiscard]] Result<Image> finish_rootfs(Staging& staging, const std::string& name, const std::string& sum);

}  // namespace mete::runtime::image
