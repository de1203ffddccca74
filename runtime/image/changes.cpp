// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/changes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "runtime/file.h"
#include "runtime/image/tree.h"

namespace mete::runtime::image {
namespace {

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
Seen look_in(int layer, const std::vector<std::string>& path) {
  UniqueFd holder;
  int directory = layer;
  bool opaque = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    struct stat info {};
    if (::fstatat(directory, path[i].c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return opaque ? Seen::kHidden : Seen::kNotHere;
    if (hides(info)) return Seen::kHidden;
    if (i + 1 == path.size()) return Seen::kThere;
    if (!S_ISDIR(info.st_mode)) return Seen::kHidden;
    holder = open_directory(directory, path[i]);
    if (!holder.valid()) return Seen::kHidden;
    directory = holder.get();
    opaque = opaque || hides_all_below(directory);
  }
  return Seen::kThere;
}

class Walk {
 public:
  explicit Walk(std::vector<UniqueFd> layers) : layers_(std::move(layers)) {}

  // `fresh`: nothing of the layers below is seen here.
  Status directory(int fd, bool fresh) {
    METE_TRY(const auto names, sorted_names(fd, text()));
    for (const std::string& name : names) {
      path_.push_back(name);
      METE_CHECK(child(fd, name, fresh));
      path_.pop_back();
    }
    return {};
  }

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

  bool is_below() const {
    for (const UniqueFd& layer : layers_) {
      const Seen seen = look_in(layer.get(), path_);
      if (seen != Seen::kNotHere) return seen == Seen::kThere;
    }
    return false;
  }

  void add(ChangeKind kind) { found_.push_back({kind, text()}); }

  Status child(int parent, const std::string& name, bool fresh) {
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? Status() : fail_errno("stat " + text());  // it has just gone
    const bool below = !fresh && is_below();
    if (hides(info)) {
      if (below) add(ChangeKind::kDeleted);
      return {};
    }
    add(below ? ChangeKind::kChanged : ChangeKind::kAdded);
    if (!S_ISDIR(info.st_mode)) return {};
    const UniqueFd fd = open_directory(parent, name);
    if (!fd.valid()) return errno == ENOENT ? Status() : fail_errno("open " + text());
    const bool replaced = hides_all_below(fd.get());
    if (below && replaced) METE_CHECK(add_hidden(fd.get()));
    return directory(fd.get(), fresh || !below || replaced);
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
      if (is_below()) add(ChangeKind::kDeleted);
      path_.pop_back();
    }
    return {};
  }

  std::vector<UniqueFd> layers_;
  std::vector<std::string> path_;
  std::vector<FileChange> found_;
};

}  // namespace

Result<std::vector<FileChange>> changes_of(const std::string& upper, const std::vector<std::string>& layers) {
  std::vector<UniqueFd> roots;
  for (const std::string& layer : layers) {
    METE_TRY(UniqueFd root, open_at(AT_FDCWD, layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    roots.push_back(std::move(root));
  }
  METE_TRY(const UniqueFd root, open_at(AT_FDCWD, upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  Walk walk(std::move(roots));
  METE_CHECK(walk.directory(root.get(), false));
  return walk.take();
}

}  // namespace mete::runtime::image
