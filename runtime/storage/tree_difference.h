// SPDX-License-Identifier: Apache-2.0
// What a container changed where its root is a whole tree (btrfs, vfs): the two trees are compared, and the difference
// is written in the form in which overlayfs keeps a writable layer.
#pragma once

#include <optional>
#include <string>

#include "config/base/result.h"
#include "runtime/storage/tree_copy.h"

namespace mete::runtime::storage {

// Writes to `upper`, an empty directory, what `tree` has that `base` has not, and whiteouts for what it has not. Files
// are equal when type, mode, owner, size and time of the last change are: a file that was written in the same instant
// with the same size is taken for equal, as docker's drivers without layers do. Directories: type, mode and owner.
[[nodiscard]] Status write_difference(const std::string& base, const std::string& tree, const std::string& upper,
                                      CopyContent content);

// Where views lie, below the driver's directory. An agent that starts empties it.
[[nodiscard]] std::string scratch_directory(const std::string& of_driver);

// What the container in `place` wrote, as a directory in overlayfs' form: the one that it has, or a new one below
// `scratch`, which goes with this object; empty where the place has no root yet. Error: the base of its tree is gone.
class UpperView {
 public:
  [[nodiscard]] static Result<UpperView> of(const std::string& place, const std::string& scratch, CopyContent content);
  UpperView(UpperView&& other) noexcept;
  UpperView& operator=(UpperView&&) = delete;
  UpperView(const UpperView&) = delete;
  UpperView& operator=(const UpperView&) = delete;
  ~UpperView();

  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  UpperView(std::string directory, bool made) : directory_(std::move(directory)), made_(made) {}
  std::string directory_;
  bool made_;
};

// The bytes of the files that the container wrote (docker's SizeRw). Error: as UpperView.
[[nodiscard]] Result<std::int64_t> written_bytes(const std::string& place, const std::string& scratch);

}  // namespace mete::runtime::storage
