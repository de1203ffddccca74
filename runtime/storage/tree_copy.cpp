// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/tree_copy.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/file.h"
#include "runtime/image/tree.h"
#include "runtime/storage/file_copy.h"

namespace mete::runtime::storage {
namespace {

std::string joined(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

bool is_opaque(int directory) {
  char value = 0;
  return ::fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

// Nothing else writes to a tree that is being made, and no link is followed.
Status empty_name(int directory, const std::string& name);

Status empty_directory(int directory, const std::string& shown) {
  METE_TRY(const auto names, image::sorted_names(directory, shown));
  for (const std::string& name : names) METE_CHECK(empty_name(directory, name));
  return {};
}

Status empty_name(int directory, const std::string& name) {
  if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return fail_errno("remove " + name);
  {
    METE_TRY(const UniqueFd below, open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    METE_CHECK(empty_directory(below.get(), name));
  }
  return ::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 ? Status() : fail_errno("remove " + name);
}

// overlayfs' notes are about layers, and a tree has none.
bool is_copied(const std::string& name) {
  return !name.starts_with("trusted.overlay.") && !name.starts_with("user.overlay.") && name != "security.selinux";
}

Status copy_xattrs(int from, int to, const std::string& path) {
  std::string names(65536, '\0');  // the kernel's own limit
  const ssize_t size = ::flistxattr(from, names.data(), names.size());
  if (size < 0) return errno == ENOTSUP ? Status() : fail_errno("list attributes of /" + path);
  std::string value(65536, '\0');
  for (std::size_t at = 0; at < static_cast<std::size_t>(size); at += std::strlen(names.c_str() + at) + 1) {
    const std::string name = names.c_str() + at;
    if (!is_copied(name)) continue;
    const ssize_t got = ::fgetxattr(from, name.c_str(), value.data(), value.size());
    if (got < 0) return fail_errno("read " + name + " of /" + path);
    if (::fsetxattr(to, name.c_str(), value.data(), static_cast<std::size_t>(got), 0) != 0)
      return fail_errno("set " + name + " of /" + path);
  }
  return {};
}

}  // namespace

bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

// The owner first: a new owner takes capabilities and the setuid bit away.
Status TreeCopy::copy_attributes(int from, int to, const std::string& path) {
  struct stat info {};
  if (::fstat(from, &info) != 0) return fail_errno("stat /" + path);
  if (::fchown(to, info.st_uid, info.st_gid) != 0) return fail_errno("change the owner of /" + path);
  if (::fchmod(to, info.st_mode & 07777U) != 0) return fail_errno("change the mode of /" + path);
  METE_CHECK(copy_xattrs(from, to, path));
  const timespec times[2] = {info.st_atim, info.st_mtim};
  return ::futimens(to, times) == 0 ? Status() : fail_errno("set the times of /" + path);
}

Status TreeCopy::add_directory(int from, int to, const std::string& path) {
  if (is_opaque(from)) METE_CHECK(empty_directory(to, path));
  METE_TRY(const auto names, image::sorted_names(from, "/" + path));
  for (const std::string& name : names) METE_CHECK(add_entry(from, to, name, joined(path, name)));
  // After the entries, each of which changes its times.
  return copy_attributes(from, to, path);
}

Status TreeCopy::add_entry(int from, int to, const std::string& name, const std::string& path) {
  struct stat info {};
  if (::fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? Status() : fail_errno("stat /" + path);  // a container has just removed it
  if (S_ISDIR(info.st_mode)) return add_subdirectory(from, to, name, path);
  const bool device = S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode) || S_ISSOCK(info.st_mode);
  if (device && !is_whiteout(info)) return {};
  METE_CHECK(empty_name(to, name));
  if (device) return {};
  if (info.st_nlink > 1) {
    const auto [first, is_first] = linked_.emplace(std::pair(info.st_dev, info.st_ino), path);
    if (!is_first) {
      if (::linkat(root_, first->second.c_str(), to, name.c_str(), 0) == 0) return {};
      return fail_errno("link /" + path);
    }
  }
  return S_ISREG(info.st_mode) ? add_file(from, to, name, path) : add_special(from, to, name, info);
}

Status TreeCopy::add_subdirectory(int from, int to, const std::string& name, const std::string& path) {
  METE_TRY(const UniqueFd source, open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (::mkdirat(to, name.c_str(), 0700) != 0) {
    if (errno != EEXIST) return fail_errno("make /" + path);
    struct stat there {};
    if (::fstatat(to, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("stat /" + path);
    if (!S_ISDIR(there.st_mode)) {
      METE_CHECK(empty_name(to, name));
      if (::mkdirat(to, name.c_str(), 0700) != 0) return fail_errno("make /" + path);
    }
  }
  METE_TRY(const UniqueFd target, open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return add_directory(source.get(), target.get(), path);
}

Status TreeCopy::add_file(int from, int to, const std::string& name, const std::string& path) {
  UniqueFd source(::openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!source.valid()) return errno == ENOENT ? Status() : fail_errno("open /" + path);
  METE_TRY(const UniqueFd target, open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  if (content_ == CopyContent::kAll) {
    METE_CHECK(copy_content(source.get(), target.get(), "/" + path));
  } else {
    struct stat info {};
    if (::fstat(source.get(), &info) != 0 || ::ftruncate(target.get(), info.st_size) != 0)
      return fail_errno("set the size of /" + path);
  }
  return copy_attributes(source.get(), target.get(), path);
}

Status TreeCopy::add_special(int from, int to, const std::string& name, const struct stat& info) {
  if (S_ISLNK(info.st_mode)) {
    METE_TRY(const std::string target, image::read_link_at(from, name, name));
    if (::symlinkat(target.c_str(), to, name.c_str()) != 0) return fail_errno("make the link " + name);
  } else if (::mknodat(to, name.c_str(), info.st_mode, 0) != 0) {
    return fail_errno("make " + name);
  }
  if (::fchownat(to, name.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("change the owner of " + name);
  if (!S_ISLNK(info.st_mode) && ::fchmodat(to, name.c_str(), info.st_mode & 07777U, 0) != 0)
    return fail_errno("change the mode of " + name);
  const timespec times[2] = {info.st_atim, info.st_mtim};
  if (::utimensat(to, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("set the times of " + name);
  return {};
}

}  // namespace mete::runtime::storage
