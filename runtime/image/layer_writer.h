// SPDX-License-Identifier: Apache-2.0
// Writes one layer, entry by entry. Entries are not trusted, and nothing outside the layer's directory is ever changed:
// the kernel resolves every name with that directory as "/" (openat2 RESOLVE_IN_ROOT), and the last component is used
// relative to its parent's descriptor and never followed.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/image/directory_times.h"

namespace mete::runtime::image {

// openat2 with `root` as "/".
[[nodiscard]] Result<UniqueFd> open_in_root(int root, const std::string& path, int flags);

// True for the extended attributes that an import keeps: security.capability and user.*. An image must not set those
// that control overlayfs or a security module of this machine.
[[nodiscard]] bool keeps_xattr(std::string_view name);

// The bytes that an import may still write: the free space at its start.
class Budget {
 public:
  // `directory` is on the file system that the import writes to.
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
  std::string path;    // as in the source; leading "/" and "./" are ignored
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
  // Into a directory that has something already: no layer, but with the same care.
  [[nodiscard]] static Result<LayerWriter> in(UniqueFd directory);

  // `content` writes the content of a regular file. Replaces an earlier entry with the same path.
  [[nodiscard]] Status add(const Entry& entry, const Content& content = nullptr);
  // whiteout() hides `path` of the layers below; opaque() hides all that the layers below have in the directory `path`.
  [[nodiscard]] Status whiteout(const std::string& path);
  [[nodiscard]] Status opaque(const std::string& path);
  // Must be called last: sets the times of directories, which each entry made in them has changed.
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
  std::string parent_path_;  // path of parent_, so that consecutive files of one directory resolve it once
  UniqueFd parent_;
  DirectoryTimes directories_;
};

}  // namespace mete::runtime::image
