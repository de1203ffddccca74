// SPDX-License-Identifier: Apache-2.0
// What `docker image inspect` says of an image.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/image/store.h"
#include "runtime/json.h"

namespace mete::agent::cli {

// The image's configuration, or for one that came without any, one made of its record: of a
// layer that was a directory it has the start of a sum alone.
[[nodiscard]] nlohmann::ordered_json config_document(const runtime::image::Store& store,
                                                     const runtime::image::Image& image);
// `images` are all of the store: they tell the other names of images[index].
[[nodiscard]] nlohmann::ordered_json inspect_document(const runtime::image::Store& store,
                                                      const std::vector<runtime::image::Image>& images,
                                                      std::size_t index);

}  // namespace mete::agent::cli
