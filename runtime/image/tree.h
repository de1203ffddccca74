// SPDX-License-Identifier: Apache-2.0
// Copies directories of this machine as a layer, and measures directories.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::image {

// What is in a directory, by name.
[[nodiscard]] Result<std::vector<std::string>> sorted_names(int directory, const std::string& shown);
[[nodiscard]] Result<std::string> read_link_at(int directory, const std::string& name, const std::string& shown);
// Adds those extended attributes that an image keeps.
[[nodiscard]] Status read_kept_xattrs(int fd, Entry& entry);

// Copies all of `source` except mounts below it, devices, and the content of the directory `except` (the store itself
// when it lies inside). Returns a sum over names, attributes and contents: equal trees have equal sums.
[[nodiscard]] Result<std::string> copy_tree(const std::string& source, const std::string& except, LayerWriter& layer,
                                            Budget& budget);

// Bytes of all files; a file with several names counts once.
[[nodiscard]] Result<std::int64_t> tree_size(const std::string& directory);

}  // namespace mete::runtime::image
