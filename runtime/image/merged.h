// SPDX-License-Identifier: Apache-2.0
// Files of an image as its processes will see them, without mounting it: layers laid over each other by overlayfs'
// rules, symbolic links resolved with the image as "/".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime::image {

class MergedView {
 public:
  // Directories, topmost first.
  [[nodiscard]] static Result<MergedView> open(const std::vector<std::string>& layers);

  // The file, opened to read; none when there is no regular file of that name.
  [[nodiscard]] Result<std::optional<UniqueFd>> file(const std::string& path) const;
  // Its text; "" when there is none. More than a mebibyte is an error.
  [[nodiscard]] Result<std::string> text(const std::string& path) const;

 private:
  std::vector<UniqueFd> roots_;
};

}  // namespace mete::runtime::image
