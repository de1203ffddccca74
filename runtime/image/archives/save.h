// SPDX-License-Identifier: Apache-2.0
// `docker save`: images as one archive, which docker 25 and later writes in the same form: an OCI layout with
// manifest.json beside it. docker load of every version since 1.10, podman, skopeo and umoci read it.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/image/store.h"

namespace mete::runtime::image {

struct SaveRequest {
  Image image;
  std::vector<std::string> names;  // under which it is saved; none: it was asked for by its id
};

// Layers are packed anew (plain tar). Where that gives other bytes than those the layer came as, the saved
// configuration names them, and the image has another id in the archive than here. Equal stores give equal archives.
[[nodiscard]] Status save_images(const Store& store, const std::vector<SaveRequest>& requests, int out);

}  // namespace mete::runtime::image
