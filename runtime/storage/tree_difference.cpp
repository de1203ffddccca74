// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/tree_difference.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <set>

#include "runtime/file.h"
#include "runtime/image/tree.h"
#include "runtime/storage/place.h"

namespace mete::runtime::storage {
namespace {

bool has_same_owner(const struct stat& one, const struct stat& other) {
  return one.st_mode == other.st_mode && one.st_uid == other.st_uid && one.st_gid == other.st_gid;
}

bool is_same_file(const struct stat& one, const struct stat& other) {
  return has_same_owner(one, other) && one.st_size == other.st_size && one.st_mtim.tv_sec == other.st_mtim.tv_sec &&
         one.st_mtim.tv_nsec == other.st_mtim.tv_nsec;
}

class Difference {
 public:
  Difference(int upper, CopyContent content) : copy_(upper, content) {}

  // True: the two differ in something below.
  Result<bool> directory(int base, int tree, int upper, const std::string& path) {
    METE_TRY(const auto before, image::sorted_names(base, "/" + path));
    METE_TRY(const auto now, image::sorted_names(tree, "/" + path));
    bool any = false;
    const std::set<std::string> kept(now.begin(), now.end());
    for (const std::string& name : before) {
      if (kept.contains(name)) continue;
      if (::mknodat(upper, name.c_str(), S_IFCHR, makedev(0, 0)) != 0) return fail_errno("make a whiteout");
      any = true;
    }
    for (const std::string& name : now) {
      METE_TRY(const bool differs, entry({base, tree, upper}, name, path.empty() ? name : path + "/" + name));
      any = any || differs;
    }
    return any;
  }

 private:
  struct Three {
    int base, tree, upper;
  };

  Result<bool> entry(const Three& at, const std::string& name, const std::string& path) {
    struct stat base {};
    struct stat tree {};
    if (::fstatat(at.tree, name.c_str(), &tree, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return false;  // the container has just removed it
      return fail_errno("stat /" + path);
    }
    const bool is_new = ::fstatat(at.base, name.c_str(), &base, AT_SYMLINK_NOFOLLOW) != 0;
    if (!is_new && S_ISDIR(base.st_mode) && S_ISDIR(tree.st_mode))
      return both_directories(at, name, path, has_same_owner(base, tree));
    if (!is_new && is_same_file(base, tree)) return false;
    METE_CHECK(copy_.add_entry(at.tree, at.upper, name, path));
    return true;
  }

  Result<bool> both_directories(const Three& at, const std::string& name, const std::string& path, bool same) {
    METE_TRY(const UniqueFd base, open_at(at.base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    METE_TRY(const UniqueFd tree, open_at(at.tree, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (::mkdirat(at.upper, name.c_str(), 0700) != 0) return fail_errno("make /" + path);
    METE_TRY(const UniqueFd upper, open_at(at.upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    METE_TRY(const bool below, directory(base.get(), tree.get(), upper.get(), path));
    if (same && !below) {
      if (::unlinkat(at.upper, name.c_str(), AT_REMOVEDIR) != 0) return fail_errno("remove /" + path);
      return false;
    }
    METE_CHECK(TreeCopy::copy_attributes(tree.get(), upper.get(), path));
    return true;
  }

  TreeCopy copy_;
};

}  // namespace

Status write_difference(const std::string& base, const std::string& tree, const std::string& upper,
                        CopyContent content) {
  METE_TRY(const UniqueFd before, open_at(AT_FDCWD, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  METE_TRY(const UniqueFd now, open_at(AT_FDCWD, tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  METE_TRY(const UniqueFd out, open_at(AT_FDCWD, upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  METE_TRY([[maybe_unused]] const bool differs,
           Difference(out.get(), content).directory(before.get(), now.get(), out.get(), ""));
  return TreeCopy::copy_attributes(now.get(), out.get(), "");
}

std::string scratch_directory(const std::string& of_driver) {
  return of_driver + "/scratch";
}

Result<UpperView> UpperView::of(const std::string& place, const std::string& scratch, CopyContent content) {
  METE_CHECK(mount_written(place));
  const auto written = written_in(place);
  if (written && !written->upper.empty()) return UpperView(written->upper, false);
  METE_CHECK(make_directories(scratch, 0700));
  std::string directory = scratch + "/written-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return fail_errno("make " + directory);
  UpperView view(std::move(directory), true);
  if (written) {
    METE_CHECK(write_difference(written->base, written->tree, view.directory(), content));
  } else if (::chmod(view.directory().c_str(), 0755) != 0) {
    return fail_errno("set the mode of " + view.directory());
  }
  return view;
}

UpperView::UpperView(UpperView&& other) noexcept : directory_(std::move(other.directory_)), made_(other.made_) {
  other.made_ = false;
}

UpperView::~UpperView() {
  if (made_) (void)remove_tree(directory_);
}

Result<std::int64_t> written_bytes(const std::string& place, const std::string& scratch) {
  METE_TRY(const UpperView view, UpperView::of(place, scratch, CopyContent::kSizeOnly));
  return image::tree_size(view.directory());
}

}  // namespace mete::runtime::storage
