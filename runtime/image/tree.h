// SPDX-License-Identifier: Apache-2.0
// Directories of this machine: copied as a layer, and measured.
#pragma once

#include <cstdint>
#include <string>

#include "config/result.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::image {

// Copies all of `source` but what is mounted below it, devices, and the contents of the directory `except` (the store
// itself when it is inside). Returns a sum over names, attributes and contents: the same tree gives the same.
[[nodiscard]] Result<std::string> copy_tree(const std::string& source, const std::string& except, LayerWriter& layer,
                                            Budget& budget);

// Bytes of all files, a file with several names counted once.
[[nodiscard]] Result<std::int64_t> tree_size(const std::string& directory);

}  // namespace mete::runtime::image
