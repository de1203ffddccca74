// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include "runtime/file.h"
#include "runtime/storage/btrfs.h"
#include "runtime/storage/drivers.h"
#include "runtime/storage/mapper/thin_driver.h"
#include "runtime/storage/place.h"
#include "runtime/storage/tree_copy.h"

namespace mete::runtime::storage {
namespace {

Status make_plain_tree(const std::string& folder) {
  return make_directories(folder + "/tree");
}

Status remove_plain_tree(const std::string& folder) {
  return remove_tree(folder + "/tree");
}

Status make_base_subvolume(const std::string& folder) {
  return make_subvolume(folder + "/tree");
}

Status remove_base_subvolume(const std::string& folder) {
  return is_subvolume(folder + "/tree") ? remove_subvolume(folder + "/tree") : Status();
}

TreeKind kind_of(TreeDriver::Copies copies) {
  if (copies == TreeDriver::Copies::kSnapshots) return {.make = make_base_subvolume, .remove = remove_base_subvolume};
  return {.make = make_plain_tree, .remove = remove_plain_tree};
}

// The root is made under another name: a tree of that name is whole.
std::string half_of(const std::string& tree) {
  return tree + ".new";
}

}  // namespace

TreeDriver::TreeDriver(const DriverSettings& settings, Copies copies)
    : copies_(copies),
      directory_(settings.directory),
      bases_(settings.directory + (copies == Copies::kSnapshots ? "/btrfs" : "/vfs"), settings.layers,
             kind_of(copies)) {}

std::string_view TreeDriver::name() const {
  return copies_ == Copies::kSnapshots ? "btrfs" : "vfs";
}

bool TreeDriver::takes_time(const RootWish& /*wish*/) const {
  return true;
}

Result<ContainerRoot> TreeDriver::make(const RootWish& wish) {
  if (wish.limit) METE_CHECK(can_limit());
  const Place place(wish.place);
  METE_CHECK(refuse_others(place, WrittenForm::kTree, name()));
  if (::access(place.tree().c_str(), F_OK) != 0) {
    METE_TRY(const std::string base, bases_.of(wish.layers));
    METE_CHECK(link_to_base(place, base));
    METE_CHECK(copy(base, place.tree()));
  }
  if (wish.limit) METE_CHECK(limit_subvolume(place.tree(), *wish.limit));
  METE_CHECK(note_quota(place, wish.limit));
  return ContainerRoot{place.tree(), std::nullopt};
}

Status TreeDriver::copy(const std::string& base, const std::string& tree) const {
  if (copies_ == Copies::kSnapshots) return make_snapshot(base, tree);
  const std::string half = half_of(tree);
  METE_CHECK(make_directories(half));
  {
    METE_TRY(const UniqueFd from, open_at(AT_FDCWD, base, O_RDONLY | O_DIRECTORY));
    METE_TRY(const UniqueFd to, open_at(AT_FDCWD, half, O_RDONLY | O_DIRECTORY));
    METE_CHECK(TreeCopy(to.get()).add_directory(from.get(), to.get()));
  }
  return ::rename(half.c_str(), tree.c_str()) == 0 ? Status() : fail_errno("rename " + half);
}

Status TreeDriver::can_limit() const {
  if (copies_ == Copies::kSnapshots) return {};
  return fail(
      "storage driver vfs: found a quota for what a container writes, expected none: plain copies have no "
      "bound; the drivers overlay, erofs, btrfs and devicemapper hold one");
}

Status TreeDriver::prune() {
  METE_CHECK(retire_thin_pool(directory_));
  return bases_.prune();
}

}  // namespace mete::runtime::storage
