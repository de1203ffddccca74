// SPDX-License-Identifier: Apache-2.0
// What an archive or a directory is, by the names in it: images as tools write them, or a root file system. What looks
// like an image of which a part is missing is neither: as a root file system it would start nothing.
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::image {

enum class ArchiveKind { kRootfs, kImages };

// Pure.
class KindOfNames {
 public:
  void see(std::string_view path, EntryType type);
  // True: further names change nothing.
  [[nodiscard]] bool is_decided() const { return system_; }
  // The error says what was found and what belongs to it.
  [[nodiscard]] Result<ArchiveKind> kind() const;

 private:
  bool system_ = false;  // a directory that every Unix has
  bool marker_ = false;  // a file that lists images
  bool parts_ = false;   // layers of an image
  bool rootfs_ = false;  // of a bundle
  bool config_ = false;
};

// Moves the file's offset.
[[nodiscard]] Result<ArchiveKind> kind_of_archive(UniqueFd file, const std::string& shown);
[[nodiscard]] Result<ArchiveKind> kind_of_directory(const std::string& path);

}  // namespace mete::runtime::image
