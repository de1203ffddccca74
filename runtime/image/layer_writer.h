// SPDX-License-Identifier: Apache-2.0
// Writes one layer, entry by entry, whatever the entries say: nothing outside the layer's directory is ever touched,
// because the kernel resolves every name with that directory as "/" (openat2 RESOLVE_IN_ROOT) and the last component is
// used by its parent's descriptor, never followed.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime::image {

// openat2 below `root` as if it were "/".
[[nodiscard]] Result<UniqueFd> open_in_root(int root, const std::string& path, int flags);

// Which extended attributes come along: security.capability and the users' own. Those that steer overlayfs or a
// security module of this machine are not an image's to set.
[[nodiscard]] bool keeps_xattr(std::string_view name);

// How much an import may still write: what was free when it began.
class Budget {
 public:
  // `directory`: on the file system that will be written to.
  [[nodiscard]] static Result<Budget> of(const std::string& directory);
  [[nodiscard]] Status take(std::uint64_t bytes);

 private:
  std::string directory_;
  std::uint64_t limit_ = 0;
  std::uint64_t used_ = 0;
};

enum class EntryType { kFile, kDirectory, kSymlink, kHardlink, kFifo, kSocket };

struct Entry {
  EntryType type = EntryType::kFile;
  std::string path;    // as its source has it; "/" and "./" in front do not matter
  std::string target;  // of a link
  mode_t mode = 0;     // permission bits with setuid, setgid and sticky
  uid_t uid = 0;
  gid_t gid = 0;
  timespec mtime{};
  std::vector<std::pair<std::string, std::string>> xattrs;
};

class LayerWriter {
 public:
  using Content = std::function<Status(int fd)>;

  // `directory` exists and is empty.
  [[nodiscard]] static Result<LayerWriter> open(const std::string& directory);

  // `content` writes what is in a regular file. Replaces what an earlier entry of that name made.
  [[nodiscard]] Status add(const Entry& entry, const Content& content = nullptr);
  // Hides `path` of the layers below / all that the layers below have in the directory `path`.
  [[nodiscard]] Status whiteout(const std::string& path);
  [[nodiscard]] Status opaque(const std::string& path);
  // Must be called last: sets the times of directories, which every entry made in them has changed.
  [[nodiscard]] Status finish();

  [[nodiscard]] int root() const { return root_.get(); }

 private:
  explicit LayerWriter(UniqueFd root) : root_(std::move(root)) {}
  struct Place {
    int parent;
    std::string name;  // one component
  };
  [[nodiscard]] Result<Place> place(const std::string& path);
  [[nodiscard]] Result<int> parent_directory(const std::string& path);
  [[nodiscard]] Result<bool> make_room(const Place& place, EntryType type);
  [[nodiscard]] Status make(const Entry& entry, const Place& place, const Content& content);
  [[nodiscard]] Status add_directory(const Entry& entry, const std::string& path);

  UniqueFd root_;
  std::string parent_path_;  // of parent_, so that the files of one directory resolve it once
  UniqueFd parent_;
  std::vector<std::pair<std::string, timespec>> directories_;
};

}  // namespace mete::runtime::image
