// SPDX-License-Identifier: Apache-2.0
// Copies the content of files: by sharing their blocks where the file system can do that, else without the holes.
#pragma once

#include <string>

#include "config/base/result.h"

namespace mete::runtime::storage {

// `to` is empty and open for writing. `shown` names the file in errors.
[[nodiscard]] Status copy_content(int from, int to, const std::string& shown);
// Makes the file `to`, which does not exist.
[[nodiscard]] Status copy_file(const std::string& from, const std::string& to);

}  // namespace mete::runtime::storage
