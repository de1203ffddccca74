// SPDX-License-Identifier: Apache-2.0
// The file format of an image in the store (images/NAME.json).
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/image/image.h"

namespace mete::runtime::image {

[[nodiscard]] std::string to_record(const Image& image);
[[nodiscard]] Result<Image> from_record(std::string_view text);

// The file name of a normalized image name: '+' replaces '/'; no image name contains '+'.
[[nodiscard]] std::string record_file(const std::string& name);

}  // namespace mete::runtime::image
