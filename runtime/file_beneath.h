// SPDX-License-Identifier: Apache-2.0
// Files in directories that others may write to: containers, or whoever fills a folder of the machine.
#pragma once

#include <cstddef>
#include <string>

#include "config/base/result.h"

namespace mete::runtime {

// The text of the file `path` below `directory`, whatever links are on the way: none leads out. Nothing but a regular
// file of at most `limit` bytes is read. The error has the code ENOENT when there is none.
[[nodiscard]] Result<std::string> read_file_beneath(const std::string& directory, const std::string& path,
                                                    std::size_t limit);

}  // namespace mete::runtime
