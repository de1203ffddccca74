// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/source_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <map>

#include "runtime/file.h"
#include "runtime/image/tree.h"

namespace mete::runtime::build {
namespace {

using image::Entry;
using image::EntryType;

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

// The path of an open file below `root`, both as this process sees them.
Result<std::string> path_below(int root, int fd) {
  METE_TRY(const std::string top, image::read_link_at(AT_FDCWD, "/proc/self/fd/" + std::to_string(root), "the root"));
  METE_TRY(const std::string path, image::read_link_at(AT_FDCWD, "/proc/self/fd/" + std::to_string(fd), "a file"));
  if (path == top) return std::string();
  const std::string prefix = top == "/" ? top : top + "/";
  if (!path.starts_with(prefix)) return fail(path + ": found it outside of " + top + ", expected a file in it");
  return path.substr(prefix.size());
}

class Visit {
 public:
  Visit(int root, const IgnoreRules& rules, const IgnoreRules& exclude, const OnEntry& on_entry)
      : root_(root), rules_(rules), exclude_(exclude), on_entry_(on_entry) {}

  // `path` is in the tree, `place` below the item.
  Status one(int parent, const std::string& name, const std::string& path, const std::string& place) {
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("stat " + path);
    const bool ignored = ignores(path, place);
    if (S_ISDIR(info.st_mode)) {
      const UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!fd.valid()) return fail_errno("open " + path);
      return folder(fd.get(), path, place, ignored ? nullptr : &info);
    }
    return ignored ? Status() : leaf(parent, name, path, place, info);
  }

  // `info` null: the folder is ignored, and something below it may not be.
  Status folder(int fd, const std::string& path, const std::string& place, const struct stat* info) {
    if (info == nullptr && !rules_.has_exceptions() && !exclude_.has_exceptions()) return {};
    if (info != nullptr) METE_CHECK(on_entry_(entry_of(*info, EntryType::kDirectory, place), -1));
    METE_TRY(const auto names, image::sorted_names(fd, path));
    for (const std::string& name : names) METE_CHECK(one(fd, name, joined(path, name), joined(place, name)));
    return {};
  }

 private:
  [[nodiscard]] bool ignores(const std::string& path, const std::string& place) const {
    return (!rules_.empty() && rules_.ignores(path)) ||
           (!exclude_.empty() && exclude_.ignores(place.empty() ? path.substr(path.rfind('/') + 1) : place));
  }

  static Entry entry_of(const struct stat& info, EntryType type, const std::string& place) {
    return {.type = type,
            .path = place,
            .mode = info.st_mode & 07777U,
            .uid = info.st_uid,
            .gid = info.st_gid,
            .mtime = {info.st_mtim.tv_sec, 0}};
  }

  Status leaf(int parent, const std::string& name, const std::string& path, const std::string& place,
              const struct stat& info) {
    Entry entry = entry_of(info, EntryType::kFile, place);
    if (S_ISSOCK(info.st_mode) || S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) return {};
    if (S_ISREG(info.st_mode) && info.st_nlink > 1) {
      const auto [first, is_first] = linked_.emplace(std::pair(info.st_dev, info.st_ino), place);
      if (!is_first) {
        entry.type = EntryType::kHardlink;
        entry.target = first->second;
        return on_entry_(std::move(entry), -1);
      }
    }
    if (S_ISLNK(info.st_mode)) {
      entry.type = EntryType::kSymlink;
      METE_TRY(entry.target, image::read_link_at(parent, name, path));
      return on_entry_(std::move(entry), -1);
    }
    if (S_ISFIFO(info.st_mode)) {
      entry.type = EntryType::kFifo;
      return on_entry_(std::move(entry), -1);
    }
    const UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid()) return fail_errno("open " + path);
    METE_CHECK(image::read_kept_xattrs(fd.get(), entry));
    return on_entry_(std::move(entry), fd.get());
  }

  int root_;
  const IgnoreRules& rules_;
  const IgnoreRules& exclude_;
  const OnEntry& on_entry_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files with several names -> the first place
};

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    parts.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

}  // namespace

Result<SourceTree> SourceTree::open(const std::string& directory, IgnoreRules rules) {
  METE_TRY(UniqueFd root, open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY));
  return SourceTree(directory, std::move(root), std::move(rules));
}

Result<std::optional<SourceItem>> SourceTree::look_up(const std::string& path) const {
  if (!path.empty() && rules_.ignores(path) && !rules_.has_exceptions()) return std::nullopt;
  auto fd = image::open_in_root(root_.get(), path, O_PATH);
  if (!fd && (fd.error().code == ENOENT || fd.error().code == ENOTDIR || fd.error().code == ELOOP)) return std::nullopt;
  if (!fd) return tl::unexpected(std::move(fd.error()));
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return fail_errno("stat " + path);
  SourceItem item;
  item.name = path.substr(path.rfind('/') + 1);
  item.is_directory = S_ISDIR(info.st_mode);
  METE_TRY(item.path, path_below(root_.get(), fd->get()));
  // A link to what is ignored leads to nothing. A folder may have something that is taken back.
  for (const std::string& each : {path, item.path}) {
    if (!each.empty() && rules_.ignores(each) && !(item.is_directory && rules_.has_exceptions())) return std::nullopt;
  }
  return item;
}

Status SourceTree::match(const std::string& folder, const std::vector<std::string>& parts, std::size_t at,
                         std::vector<SourceItem>& found) const {
  const bool last = at + 1 == parts.size();
  if (!has_wildcard(parts[at])) {
    const std::string path = joined(folder, parts[at]);
    if (!last) return match(path, parts, at + 1, found);
    METE_TRY(const auto item, look_up(path));
    if (item) found.push_back(*item);
    return {};
  }
  METE_TRY(const PathPattern pattern, PathPattern::compile(parts[at], DoubleStar::kNo));
  auto fd = image::open_in_root(root_.get(), folder, O_RDONLY | O_DIRECTORY);
  if (!fd) return {};  // no folder of that name
  METE_TRY(const auto names, image::sorted_names(fd->get(), folder));
  for (const std::string& name : names) {
    if (!pattern.matches(name)) continue;
    const std::string path = joined(folder, name);
    if (!last) {
      METE_CHECK(match(path, parts, at + 1, found));
      continue;
    }
    METE_TRY(const auto item, look_up(path));
    if (item) found.push_back(*item);
  }
  return {};
}

Result<std::vector<SourceItem>> SourceTree::find(const std::string& source) const {
  std::string path = clean_path(source);
  while (path.starts_with('/')) path.erase(0, 1);
  if (path == ".") path.clear();
  if (path == ".." || path.starts_with("../"))
    return fail("found \"" + source + "\", which is outside of the context, expected a path in it");
  std::vector<SourceItem> found;
  if (path.empty()) {
    METE_TRY(const auto root, look_up(""));
    if (root) found.push_back(*root);
    return found;
  }
  METE_CHECK(match("", split(path), 0, found));
  return found;
}

Status SourceTree::visit(const SourceItem& item, const IgnoreRules& exclude, const OnEntry& on_entry) const {
  Visit visit(root_.get(), rules_, exclude, on_entry);
  if (item.path.empty()) {
    struct stat info {};
    if (::fstat(root_.get(), &info) != 0) return fail_errno("stat " + directory_);
    return visit.folder(root_.get(), "", "", &info);
  }
  const auto slash = item.path.rfind('/');
  const std::string above = slash == std::string::npos ? "" : item.path.substr(0, slash);
  METE_TRY(const UniqueFd parent, image::open_in_root(root_.get(), above, O_RDONLY | O_DIRECTORY));
  return visit.one(parent.get(), item.path.substr(slash == std::string::npos ? 0 : slash + 1), item.path, "");
}

Result<UniqueFd> SourceTree::file(const SourceItem& item) const {
  return image::open_in_root(root_.get(), item.path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
}

}  // namespace mete::runtime::build
