// SPDX-License-Identifier: Apache-2.0
// An image as the store keeps it on disk (images/NAME.json).
#pragma once

#include <string>
#include <string_view>

#include "config/result.h"
#include "runtime/image/image.h"

namespace mete::runtime::image {

[[nodiscard]] std::string to_record(const Image& image);
[[nodiscard]] Result<Image> from_record(std::string_view text);

// A normalized name as a file name and back; '+' is in no image name.
[[nodiscard]] std::string record_file(const std::string& name);

}  // namespace mete::runtime::image
