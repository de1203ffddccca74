// SPDX-License-Identifier: Apache-2.0
// The place of a container's root: its attempt's directory. What is there tells which driver made it.
//
//   root/                  empty: the overlay is mounted here, in the container's own mount namespace
//   diff/, work/           what the container wrote over its layers, and overlayfs' own directory
//   limited.img, limited/  with a quota by a loop device: a file system in a file, mounted, with diff/ and work/ in it
//   tree/                  the whole root, of the drivers btrfs and vfs
//   tree-base              a link to the tree that it was made from
//   volume                 of the driver devicemapper: the note of a thin volume (mapper/thin_book.h)
//   thin/                  that volume, mounted, with tree/ in it
//   quota                  the bytes that the container may write, where that is bounded
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/base/units.h"

namespace mete::runtime::storage {

class Place {
 public:
  explicit Place(std::string directory) : directory_(std::move(directory)) {}
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string root() const { return directory_ + "/root"; }
  // "upper" where a version of before 30 November 2026 made it: what a stopped container wrote stays.
  [[nodiscard]] std::string upper() const { return upper_in(directory_); }
  [[nodiscard]] std::string work() const { return directory_ + "/work"; }
  [[nodiscard]] std::string image() const { return directory_ + "/limited.img"; }
  [[nodiscard]] std::string limited() const { return directory_ + "/limited"; }
  [[nodiscard]] std::string limited_upper() const { return upper_in(limited()); }
  [[nodiscard]] std::string tree() const { return directory_ + "/tree"; }
  [[nodiscard]] std::string base_link() const { return directory_ + "/tree-base"; }
  [[nodiscard]] std::string volume_note() const { return directory_ + "/volume"; }
  [[nodiscard]] std::string thin() const { return directory_ + "/thin"; }
  [[nodiscard]] std::string thin_tree() const { return directory_ + "/thin/tree"; }
  [[nodiscard]] std::string quota() const { return directory_ + "/quota"; }

 private:
  [[nodiscard]] static std::string upper_in(const std::string& directory);
  std::string directory_;
};

// Where what a container wrote is.
struct Written {
  std::string upper = {};  // a directory in overlayfs' form; empty: the container has a whole tree
  std::string work = {};   // overlayfs' own, beside `upper`
  std::string tree = {};
  std::string base = {};            // that the tree was a copy of
  std::optional<Bytes> quota = {};  // writes beyond it fail
};

// Looks at the place. Empty: there is no root in it, or it is not mounted (mount_written()).
[[nodiscard]] std::optional<Written> written_in(const std::string& place);

// Mounts what a start of the machine took away, and what it is compared with; else does nothing. Several processes may
// do so at once.
[[nodiscard]] Status mount_written(const std::string& place);

// Whether there is something to move_written(), mounted or not.
[[nodiscard]] bool keeps_written(const std::string& place);

// Writes down what written_in() tells.
[[nodiscard]] Status note_quota(const Place& place, std::optional<Bytes> quota);

// Names the tree that the container's is a copy of.
[[nodiscard]] Status link_to_base(const Place& place, const std::string& base);

// The error: an agent with a driver of another form than `own` made what is there, which a new root would hide.
enum class WrittenForm { kUpper, kTree, kVolume };
[[nodiscard]] Status refuse_others(const Place& place, WrittenForm own, std::string_view driver);

// Gives what an earlier attempt wrote to the next: `to` exists beside it, and has nothing yet. Nothing of the container
// runs.
[[nodiscard]] Status move_written(const std::string& from, const std::string& to);

// Gives back what a removal of files does not: mounts, loop devices, subvolumes, quotas. A second call, and one for a
// place that does not exist, do nothing.
[[nodiscard]] Status release(const std::string& place);
[[nodiscard]] Status remove_place(const std::string& place);

// release() of each place CONTAINERS/NAME/NUMBER.
[[nodiscard]] Status release_places(const std::string& containers);
// The same, and removes them all.
[[nodiscard]] Status remove_places(const std::string& containers);

}  // namespace mete::runtime::storage
