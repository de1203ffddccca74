// SPDX-License-Identifier: Apache-2.0
// COPY and ADD: what is copied, what it is known by (names, kinds, modes, owners and contents, not times), and the
// copying into the mounted tree of a step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/build/source_tree.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::build {

struct FileOwner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// One source. Of `item`, `content` and `file` it has one.
struct CopyPart {
  std::optional<SourceItem> item;
  std::optional<std::string> content;  // of a here-document
  std::string file;                    // a downloaded file's path
  std::string name;                    // of the file below a target that is a folder
  std::int64_t time = 0;               // of what is no item, seconds since the epoch
  std::uint32_t mode = 0644;           // of what is no item
  bool unpack = false;                 // an archive, whose content is copied
};

struct CopyStep {
  std::string keyword;  // for errors: "COPY"
  std::vector<CopyPart> parts;
  std::string target;           // absolute, without "." and ".."
  bool into_directory = false;  // the target was written as a folder
  std::optional<FileOwner> owner;
  bool keep_owners = false;  // of a stage or an image; files of a context become root's
  std::optional<std::uint32_t> mode;
  IgnoreRules exclude;
};

// True: the file is an archive that ADD unpacks: tar, plain or with gzip, xz or zstd. Error: one with bzip2, which
// nothing here reads.
[[nodiscard]] Result<bool> is_archive(const SourceTree& tree, const SourceItem& item);

// "gzip", "xz", "zstd" or "bzip2" by the first bytes; empty: none of them.
[[nodiscard]] std::string_view compression_of(std::string_view head);

// The sum of all parts. `tree` is where the items are.
[[nodiscard]] Result<std::string> copy_sum(const CopyStep& step, const SourceTree& tree);

// Copies into the tree that is mounted at `root`.
[[nodiscard]] Status carry_out_copy(const CopyStep& step, const SourceTree& tree, const std::string& root,
                                    image::Budget& budget);

// WORKDIR: makes the folder and those above it where they are missing. True: something was made.
[[nodiscard]] Result<bool> make_folders(image::LayerWriter& writer, const std::string& path, const FileOwner& owner);

}  // namespace mete::runtime::build
