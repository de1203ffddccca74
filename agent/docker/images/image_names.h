// SPDX-License-Identifier: Apache-2.0
// Names of images as clients write them. Pure.
#pragma once

#include <string>

namespace mete::agent::docker {

// "busybox" -> "busybox:latest"; with a tag or a digest, and an id: as it is.
[[nodiscard]] std::string with_tag(const std::string& name);

// What a client hears of an image that is not there.
[[nodiscard]] std::string no_such_image(const std::string& name);

}  // namespace mete::agent::docker
