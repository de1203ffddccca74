// SPDX-License-Identifier: Apache-2.0
#include "runtime/unfinished_files.h"

#include <filesystem>

namespace mete::runtime {

void remove_unfinished(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() != ".tmp" || !entry.is_regular_file(error)) continue;
    std::filesystem::remove(entry.path(), error);
  }
}

}  // namespace mete::runtime
