// SPDX-License-Identifier: Apache-2.0
// `docker load`: all images of an archive, under the names that it gives.
#pragma once

#include <vector>

#include "config/base/result.h"
#include "runtime/image/archives/archive.h"
#include "runtime/image/store.h"

namespace mete::runtime::image {

// Each image once for each of its names; an image without a name is nameless(). Replaces images of these names. The
// images before one that fails stay. The error: a root file system, or what no image tool writes.
[[nodiscard]] Result<std::vector<Image>> load_images(const Store& store, const ArchivePlace& place);

}  // namespace mete::runtime::image
