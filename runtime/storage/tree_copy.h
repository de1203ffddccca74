// SPDX-License-Identifier: Apache-2.0
// Copies directory trees with owners, modes, times, hard links and extended attributes. No link is followed.
#pragma once

#include <sys/stat.h>

#include <map>
#include <string>
#include <utility>

#include "config/base/result.h"

namespace mete::runtime::storage {

enum class CopyContent {
  kAll,
  kSizeOnly,  // files have their size and no blocks: for those who look at names and attributes
};

class TreeCopy {
 public:
  // `root` is the directory that paths begin at; open longer than this object.
  explicit TreeCopy(int root, CopyContent content = CopyContent::kAll) : root_(root), content_(content) {}

  // Adds what is in the directory `from` to `to`, which is `path` below the root. A whiteout in `from` removes, an
  // opaque directory begins empty (overlayfs): so the layers of an image, the lowest first, become one tree. Devices
  // and sockets are left out: no layer has any, and a container's are the agent's.
  [[nodiscard]] Status add_directory(int from, int to, const std::string& path = {});
  // One entry of `from`, which may be a directory; what `to` has of that name is replaced.
  [[nodiscard]] Status add_entry(int from, int to, const std::string& name, const std::string& path);

  // Gives the directory `to` owner, mode, times and extended attributes of `from`.
  [[nodiscard]] static Status copy_attributes(int from, int to, const std::string& path);

 private:
  [[nodiscard]] Status add_file(int from, int to, const std::string& name, const std::string& path);
  [[nodiscard]] Status add_subdirectory(int from, int to, const std::string& name, const std::string& path);
  [[nodiscard]] Status add_special(int from, int to, const std::string& name, const struct stat& info);

  int root_;
  CopyContent content_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files with several names -> the first one's path
};

[[nodiscard]] bool is_whiteout(const struct stat& info);

}  // namespace mete::runtime::storage
