// SPDX-License-Identifier: Apache-2.0
// Reads files of an image as its processes will see them, without a mount: merges layers by overlayfs' rules and
// resolves symbolic links with the image as "/".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::image {

class MergedView {
 public:
  // `layers` are directories, topmost first.
  [[nodiscard]] static Result<MergedView> open(const std::vector<std::string>& layers);

  // Opens a file for reading; nothing when no regular file has this path.
  [[nodiscard]] Result<std::optional<UniqueFd>> file(const std::string& path) const;
  // The text of a file; "" when there is none. More than 1 MiB is an error.
  [[nodiscard]] Result<std::string> text(const std::string& path) const;

 private:
  std::vector<UniqueFd> roots_;
};

}  // namespace mete::runtime::image
