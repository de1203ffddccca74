// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/changes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string_view>

#include "runtime/file.h"
#include "runtime/image/tree.h"

namespace mete::runtime::image {
namespace {

constexpr std::array<std::string_view, 6> kMountPoints = {"/dev",          "/proc",      "/sys",
                                                          "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"};

bool hides(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

bool hides_all_below(int directory) {
  char value = 0;
  return ::fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

UniqueFd open_directory(int parent, const std::string& name) {
  return UniqueFd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

enum class Seen { kThere, kHidden, kNotHere };

// Whether one layer has the path, hides what lower layers have there, or says nothing of it.
Seen look_in(int layer, const std::vector<std::string>& path, struct stat& found) {
  UniqueFd holder;
  int directory = layer;
  bool opaque = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    struct stat info {};
    if (::fstatat(directory, path[i].c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return opaque ? Seen::kHidden : Seen::kNotHere;
    if (hides(info)) return Seen::kHidden;
    found = info;
    if (i + 1 == path.size()) return Seen::kThere;
    if (!S_ISDIR(info.st_mode)) return Seen::kHidden;
    holder = open_directory(directory, path[i]);
    if (!holder.valid()) return Seen::kHidden;
    directory = holder.get();
    opaque = opaque || hides_all_below(directory);
  }
  return Seen::kThere;
}

bool has_same_rights(const struct stat& one, const struct stat& other) {
  return one.st_mode == other.st_mode && one.st_uid == other.st_uid && one.st_gid == other.st_gid;
}

// An empty file, or a directory in which nothing is.
Result<bool> is_empty(int parent, const std::string& name, const struct stat& info) {
  if (S_ISREG(info.st_mode)) return info.st_size == 0;
  if (!S_ISDIR(info.st_mode)) return false;
  const UniqueFd fd = open_directory(parent, name);
  if (!fd.valid()) return false;
  METE_TRY(const auto names, sorted_names(fd.get(), name));
  return names.empty();
}

class Walk {
 public:
  explicit Walk(std::vector<UniqueFd> layers) : layers_(std::move(layers)) {}

  // `replaced`: the directory, or one that it is in, was made anew, and shows nothing of the layers below.
  Status directory(int fd, bool replaced) {
    METE_TRY(const auto names, sorted_names(fd, text()));
    for (const std::string& name : names) {
      path_.push_back(name);
      METE_CHECK(child(fd, name, replaced));
      path_.pop_back();
    }
    return {};
  }

  // In the order in which they can be removed.
  const std::vector<std::string>& mount_points() const { return mount_points_; }
  std::vector<FileChange> take() {
    std::sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return std::move(found_);
  }

 private:
  std::string text() const {
    std::string all;
    for (const std::string& part : path_) all += "/" + part;
    return all;
  }

  // What the layers below have there.
  std::optional<struct stat> below() const {
    for (const UniqueFd& layer : layers_) {
      struct stat info {};
      const Seen seen = look_in(layer.get(), path_, info);
      if (seen == Seen::kThere) return info;
      if (seen == Seen::kHidden) return std::nullopt;
    }
    return std::nullopt;
  }

  Result<bool> is_mount_point(int parent, const std::string& name, const struct stat& info) const {
    if (std::find(kMountPoints.begin(), kMountPoints.end(), text()) == kMountPoints.end()) return false;
    return is_empty(parent, name, info);
  }

  void add(ChangeKind kind) { found_.push_back({kind, text()}); }

  Status child(int parent, const std::string& name, bool replaced) {
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? Status() : fail_errno("stat " + text());  // it has just gone
    const auto lower = below();
    if (hides(info)) {
      if (lower) add(ChangeKind::kDeleted);
      return {};
    }
    if (!lower) {
      METE_TRY(const bool mount_point, is_mount_point(parent, name, info));
      if (mount_point) {
        mount_points_.push_back(text());
        return {};
      }
    }
    add(lower ? ChangeKind::kChanged : ChangeKind::kAdded);
    if (!S_ISDIR(info.st_mode)) return {};
    return lower ? kept_directory(parent, name, {info, *lower, replaced}) : new_directory(parent, name);
  }

  Status new_directory(int parent, const std::string& name) {
    const UniqueFd fd = open_directory(parent, name);
    if (!fd.valid()) return errno == ENOENT ? Status() : fail_errno("open " + text());
    return directory(fd.get(), false);
  }

  struct Both {
    struct stat upper;
    struct stat lower;
    bool replaced;
  };
  Status kept_directory(int parent, const std::string& name, const Both& both) {
    const UniqueFd fd = open_directory(parent, name);
    if (!fd.valid()) return errno == ENOENT ? Status() : fail_errno("open " + text());
    const bool replaced = both.replaced || hides_all_below(fd.get());
    const std::size_t before = found_.size();
    const std::size_t points = mount_points_.size();
    if (replaced) METE_CHECK(add_hidden(fd.get()));
    METE_CHECK(directory(fd.get(), replaced));
    // It changed by nothing but a place for a mount.
    const bool alone = found_.size() == before && mount_points_.size() > points;
    if (alone && !replaced && has_same_rights(both.upper, both.lower)) {
      found_.pop_back();
      mount_points_.push_back(text());
    }
    return {};
  }

  // What was in a directory before it was made anew.
  Status add_hidden(int upper) {
    std::set<std::string> names;
    for (const UniqueFd& layer : layers_) {
      auto fd = open_at(layer.get(), text().substr(1), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (!fd) continue;
      METE_TRY(const auto own, sorted_names(fd->get(), text()));
      names.insert(own.begin(), own.end());
    }
    for (const std::string& name : names) {
      struct stat info {};
      if (::fstatat(upper, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) continue;
      path_.push_back(name);
      if (below()) add(ChangeKind::kDeleted);
      path_.pop_back();
    }
    return {};
  }

  std::vector<UniqueFd> layers_;
  std::vector<std::string> path_;
  std::vector<FileChange> found_;
  std::vector<std::string> mount_points_;
};

Status walk_over(const std::string& upper, const std::vector<std::string>& layers,
                 const std::function<Status(Walk&, int)>& use) {
  std::vector<UniqueFd> roots;
  for (const std::string& layer : layers) {
    METE_TRY(UniqueFd root, open_at(AT_FDCWD, layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    roots.push_back(std::move(root));
  }
  METE_TRY(const UniqueFd root, open_at(AT_FDCWD, upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  Walk walk(std::move(roots));
  METE_CHECK(walk.directory(root.get(), false));
  return use(walk, root.get());
}

}  // namespace

Result<std::vector<FileChange>> changes_of(const std::string& upper, const std::vector<std::string>& layers) {
  std::vector<FileChange> found;
  METE_CHECK(walk_over(upper, layers, [&](Walk& walk, int) -> Status {
    found = walk.take();
    return {};
  }));
  return found;
}

Status drop_mount_points(const std::string& copy, const std::vector<std::string>& layers) {
  return walk_over(copy, layers, [&](Walk& walk, int root) -> Status {
    for (const std::string& path : walk.mount_points()) {
      const std::string name = path.substr(1);
      // No component is a link: the walk has followed none, and nobody else writes here.
      if (::unlinkat(root, name.c_str(), 0) == 0) continue;
      if (errno != EISDIR || ::unlinkat(root, name.c_str(), AT_REMOVEDIR) != 0) return fail_errno("remove " + path);
    }
    return {};
  });
}

}  // namespace mete::runtime::image
