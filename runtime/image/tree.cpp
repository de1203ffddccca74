// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "runtime/file.h"
#include "runtime/image/sha256.h"

namespace mete::runtime::image {
namespace {

using FileId = std::pair<dev_t, ino_t>;

std::string below(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

FileId id_of(const struct stat& info) {
  return {info.st_dev, info.st_ino};
}

class TreeCopy {
 public:
  TreeCopy(LayerWriter& layer, Budget& budget, FileId except) : layer_(layer), budget_(budget), except_(except) {}

  Status directory(int fd, const std::string& path);
  std::string sum() { return sum_.hex(); }

 private:
  Status child(int directory, const std::string& name, const std::string& path);
  Status file(int directory, const std::string& name, Entry& entry);
  Status copy_content(int from, int to);
  void note(std::string_view field);
  void note(const Entry& entry);

  LayerWriter& layer_;
  Budget& budget_;
  FileId except_;
  dev_t device_ = 0;
  Sha256 sum_;
  std::map<FileId, std::string> linked_;  // files with several names -> the first name
  std::string buffer_ = std::string(256U << 10U, '\0');
};

// Hashes a field with its length, so that different listings have different inputs.
void TreeCopy::note(std::string_view field) {
  sum_.update(std::to_string(field.size()) + ":");
  sum_.update(field);
}

void TreeCopy::note(const Entry& entry) {
  note(entry.path);
  note(entry.target);
  note(std::to_string(static_cast<int>(entry.type)) + " " + std::to_string(entry.mode) + " " +
       std::to_string(entry.uid) + " " + std::to_string(entry.gid) + " " + std::to_string(entry.mtime.tv_sec) + "." +
       std::to_string(entry.mtime.tv_nsec) + " " + std::to_string(entry.xattrs.size()));
  for (const auto& [name, value] : entry.xattrs) {
    note(name);
    note(value);
  }
}

Entry entry_of(const struct stat& info, EntryType type, const std::string& path) {
  return {.type = type,
          .path = path,
          .mode = info.st_mode & 07777U,
          .uid = info.st_uid,
          .gid = info.st_gid,
          .mtime = info.st_mtim};
}

Status TreeCopy::directory(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail_errno("stat " + path);
  if (path.empty()) device_ = info.st_dev;
  Entry entry = entry_of(info, EntryType::kDirectory, path);
  METE_CHECK(read_kept_xattrs(fd, entry));
  note(entry);
  METE_CHECK(layer_.add(entry));
  // The content of a mount is not part of this tree.
  if (info.st_dev != device_ || id_of(info) == except_) return {};
  METE_TRY(const auto names, sorted_names(fd, path));
  for (const std::string& name : names) METE_CHECK(child(fd, name, below(path, name)));
  return {};
}

Status TreeCopy::copy_content(int from, int to) {
  std::uint64_t total = 0;
  while (true) {
    const ssize_t got = ::read(from, buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read");
    if (got == 0) break;
    const std::string_view part(buffer_.data(), static_cast<std::size_t>(got));
    METE_CHECK(budget_.take(part.size()));
    METE_CHECK(write_all(to, part));
    sum_.update(part);
    total += part.size();
  }
  note(std::to_string(total));
  return {};
}

Status TreeCopy::file(int directory, const std::string& name, Entry& entry) {
  const UniqueFd from(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!from.valid()) return fail_errno("open " + entry.path);
  METE_CHECK(read_kept_xattrs(from.get(), entry));
  note(entry);
  auto copied = layer_.add(entry, [&](int to) { return copy_content(from.get(), to); });
  if (!copied) return fail_in(entry.path, copied.error());
  return {};
}

Status TreeCopy::child(int directory, const std::string& name, const std::string& path) {
  struct stat info {};
  if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("stat " + path);
  if (S_ISDIR(info.st_mode)) {
    const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) return fail_errno("open " + path);
    return this->directory(fd.get(), path);
  }
  if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) return {};  // the agent gives a container its devices
  Entry entry = entry_of(info, EntryType::kFile, path);
  if (info.st_nlink > 1) {
    const auto [first, is_first] = linked_.emplace(id_of(info), path);
    if (!is_first) {
      entry.type = EntryType::kHardlink;
      entry.target = first->second;
      note(entry);
      return layer_.add(entry);
    }
  }
  if (S_ISREG(info.st_mode)) return file(directory, name, entry);
  if (S_ISLNK(info.st_mode)) {
    entry.type = EntryType::kSymlink;
    METE_TRY(entry.target, read_link_at(directory, name, path));
  } else {
    entry.type = S_ISFIFO(info.st_mode) ? EntryType::kFifo : EntryType::kSocket;
  }
  note(entry);
  return layer_.add(entry);
}

Status add_size(int directory, const std::string& shown, std::set<FileId>& counted, std::int64_t& total) {
  METE_TRY(const auto names, sorted_names(directory, shown));
  for (const std::string& name : names) {
    struct stat info {};
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("stat " + below(shown, name));
    if (S_ISREG(info.st_mode) && (info.st_nlink == 1 || counted.insert(id_of(info)).second)) total += info.st_size;
    if (!S_ISDIR(info.st_mode)) continue;
    const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) return fail_errno("open " + below(shown, name));
    METE_CHECK(add_size(fd.get(), below(shown, name), counted, total));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> sorted_names(int directory, const std::string& shown) {
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return fail_errno("open " + shown);
  const auto closer = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(closer)> stream(::fdopendir(copy), closer);
  if (!stream) return fail_errno("read directory " + shown);
  std::vector<std::string> names;
  errno = 0;
  for (const dirent* entry = ::readdir(stream.get()); entry != nullptr; entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return fail_errno("read directory " + shown);
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> read_link_at(int directory, const std::string& name, const std::string& shown) {
  std::string target(4096, '\0');
  const ssize_t size = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  if (size < 0) return fail_errno("read link " + shown);
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Status read_kept_xattrs(int fd, Entry& entry) {
  std::string names(65536, '\0');  // the kernel's own limit
  const ssize_t size = ::flistxattr(fd, names.data(), names.size());
  if (size < 0) return errno == ENOTSUP ? Status{} : fail_errno("list attributes of " + entry.path);
  for (std::size_t at = 0; at < static_cast<std::size_t>(size); at += std::strlen(names.c_str() + at) + 1) {
    const std::string name = names.c_str() + at;
    if (!keeps_xattr(name)) continue;
    std::string value(65536, '\0');
    const ssize_t got = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
    if (got < 0) return fail_errno("read " + name + " of " + entry.path);
    value.resize(static_cast<std::size_t>(got));
    entry.xattrs.emplace_back(name, std::move(value));
  }
  std::sort(entry.xattrs.begin(), entry.xattrs.end());
  return {};
}

Result<std::string> copy_tree(const std::string& source, const std::string& except, LayerWriter& layer,
                              Budget& budget) {
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, source, O_RDONLY | O_DIRECTORY));
  METE_TRY(const auto names, sorted_names(fd.get(), source));
  if (names.empty()) return fail(source + ": found an empty directory, expected a root file system or an OCI layout");
  struct stat info {};
  if (::stat(except.c_str(), &info) != 0) return fail_errno("stat " + except);
  TreeCopy copy(layer, budget, id_of(info));
  METE_CHECK(copy.directory(fd.get(), ""));
  return copy.sum();
}

Result<std::int64_t> tree_size(const std::string& directory) {
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  std::set<FileId> counted;
  std::int64_t total = 0;
  METE_CHECK(add_size(fd.get(), directory, counted, total));
  return total;
}

}  // namespace mete::runtime::image
