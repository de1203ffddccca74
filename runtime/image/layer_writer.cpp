// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/layer_writer.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "runtime/file.h"

namespace mete::runtime::image {
namespace {

constexpr const char* kOpaqueAttribute = "trusted.overlay.opaque";

// "/a//./b/" -> "a/b"; "" is the layer's root.
Result<std::string> clean(const std::string& path) {
  std::string text;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string part = path.substr(start, end - start);
    if (part == "..") return fail("\"" + path + "\": found \"..\" in a name, expected one that stays in the image");
    if (!part.empty() && part != ".") text += (text.empty() ? "" : "/") + part;
    start = end + 1;
  }
  return text;
}

bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

std::string through(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

Status set_opaque(int directory, const std::string& name, const std::string& shown) {
  const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid() || ::fsetxattr(fd.get(), kOpaqueAttribute, "y", 1, 0) != 0)
    return fail_errno(shown + ": set " + kOpaqueAttribute);
  return {};
}

// Owner first: chown clears the setuid bit and the capabilities.
Status set_attributes(int fd, const Entry& entry) {
  if (::fchown(fd, entry.uid, entry.gid) != 0) return fail_errno(entry.path + ": set owner");
  if (::fchmod(fd, entry.mode & 07777U) != 0) return fail_errno(entry.path + ": set mode");
  for (const auto& [name, value] : entry.xattrs) {
    if (!keeps_xattr(name)) continue;
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0 && errno != EOPNOTSUPP) {
      return fail_errno(entry.path + ": set " + name);
    }
  }
  return {};
}

Status set_attributes_at(int parent, const std::string& name, const Entry& entry) {
  if (::fchownat(parent, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno(entry.path + ": set owner");
  }
  if (entry.type != EntryType::kSymlink && ::fchmodat(parent, name.c_str(), entry.mode & 07777U, 0) != 0) {
    return fail_errno(entry.path + ": set mode");
  }
  const timespec times[2] = {entry.mtime, entry.mtime};
  if (::utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno(entry.path + ": set time");
  return {};
}

}  // namespace

Result<UniqueFd> open_in_root(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const std::string name = path.empty() ? "." : path;
  long fd = -1;
  do {  // EAGAIN: a rename raced with the resolution
    fd = ::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how);
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0) return fail_errno("open " + name);
  return UniqueFd(static_cast<int>(fd));
}

bool keeps_xattr(std::string_view name) {
  return name == "security.capability" || (name.starts_with("user.") && !name.starts_with("user.overlay."));
}

Result<Budget> Budget::of(const std::string& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) return fail_errno("statvfs " + directory);
  Budget budget;
  budget.directory_ = directory;
  budget.limit_ = std::uint64_t{info.f_bavail} * info.f_frsize;
  return budget;
}

Status Budget::take(std::uint64_t bytes) {
  if (bytes > limit_ - used_) {
    return tl::unexpected(Error{ENOSPC, directory_ + ": found " + std::to_string(limit_) +
                                            " bytes free, expected room for more than " + std::to_string(used_) +
                                            " + " + std::to_string(bytes) + " bytes unpacked"});
  }
  used_ += bytes;
  return {};
}

Result<LayerWriter> LayerWriter::open(const std::string& directory) {
  METE_TRY(UniqueFd root, open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return LayerWriter(std::move(root));
}

Result<LayerWriter> LayerWriter::in(UniqueFd directory) {
  return LayerWriter(std::move(directory));
}

// Opens the directory; makes missing parts with root as owner and mode 755, as tar does.
Result<int> LayerWriter::parent_directory(const std::string& path) {
  if (path.empty()) return root_.get();
  if (parent_.valid() && parent_path_ == path) return parent_.get();
  auto found = open_in_root(root_.get(), path, O_PATH | O_DIRECTORY);
  if (!found && found.error().code == ENOENT) {
    const auto slash = path.rfind('/');
    METE_TRY(const int parent, parent_directory(slash == std::string::npos ? "" : path.substr(0, slash)));
    const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
    if (::mkdirat(parent, name.c_str(), 0755) != 0) return fail_errno(path + ": make directory");
    if (::fchmodat(parent, name.c_str(), 0755, 0) != 0) return fail_errno(path + ": set mode");
    found = open_in_root(root_.get(), path, O_PATH | O_DIRECTORY);
  }
  if (!found) return tl::unexpected(std::move(found.error()));
  parent_ = std::move(*found);
  parent_path_ = path;
  return parent_.get();
}

Result<LayerWriter::Place> LayerWriter::place(const std::string& path) {
  const auto slash = path.rfind('/');
  METE_TRY(const int parent, parent_directory(slash == std::string::npos ? "" : path.substr(0, slash)));
  return Place{parent, path.substr(slash == std::string::npos ? 0 : slash + 1)};
}

// Removes what is at the entry's place. True: a directory is there and stays, or a whiteout was removed.
Result<bool> LayerWriter::make_room(const Place& place, EntryType type) {
  struct stat info {};
  if (::fstatat(place.parent, place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return false;
    return fail_errno(place.name + ": stat");
  }
  if (S_ISDIR(info.st_mode)) {
    if (type == EntryType::kDirectory) return true;
    METE_CHECK(remove_tree(through(place.parent) + "/" + place.name));
  } else if (::unlinkat(place.parent, place.name.c_str(), 0) != 0) {
    return fail_errno(place.name + ": replace");
  }
  // The cached parent may lie in the removed tree, or be reached through it.
  if (parent_.get() != place.parent) parent_.reset();
  return is_whiteout(info);
}

Status LayerWriter::add_directory(const Entry& entry, const std::string& path) {
  UniqueFd fd;
  if (!path.empty()) {
    METE_TRY(const Place at, place(path));
    METE_TRY(const bool there, make_room(at, entry.type));
    if (::mkdirat(at.parent, at.name.c_str(), 0700) != 0) {
      if (errno != EEXIST) return fail_errno(path + ": make directory");
    } else if (there) {
      // The directory replaces a whiteout, which hid what the layers below have there.
      METE_CHECK(set_opaque(at.parent, at.name, path));
    }
    fd = UniqueFd(::openat(at.parent, at.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) return fail_errno(path + ": open");
  }
  METE_CHECK(set_attributes(path.empty() ? root_.get() : fd.get(), entry));
  return directories_.add(root_.get(), path, entry.mtime);
}

Status LayerWriter::make(const Entry& entry, const Place& at, const Content& content) {
  const char* name = at.name.c_str();
  switch (entry.type) {
    case EntryType::kFile: {
      const UniqueFd fd(::openat(at.parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (!fd.valid()) return fail_errno(entry.path + ": create");
      if (content) METE_CHECK(content(fd.get()));
      METE_CHECK(set_attributes(fd.get(), entry));
      const timespec times[2] = {entry.mtime, entry.mtime};
      if (::futimens(fd.get(), times) != 0) return fail_errno(entry.path + ": set time");
      return {};
    }
    case EntryType::kSymlink:
      if (::symlinkat(entry.target.c_str(), at.parent, name) != 0) return fail_errno(entry.path + ": make link");
      return set_attributes_at(at.parent, at.name, entry);
    case EntryType::kFifo:
    case EntryType::kSocket:
      if (::mknodat(at.parent, name, entry.type == EntryType::kFifo ? S_IFIFO | 0600U : S_IFSOCK | 0600U, 0) != 0) {
        return fail_errno(entry.path + ": mknod");
      }
      return set_attributes_at(at.parent, at.name, entry);
    case EntryType::kHardlink:
    case EntryType::kDirectory:
      break;
  }
  return fail(entry.path + ": found an entry of an unsupported type");
}

Status LayerWriter::add(const Entry& entry, const Content& content) {
  METE_TRY(const std::string path, clean(entry.path));
  if (entry.type == EntryType::kDirectory) return add_directory(entry, path);
  if (path.empty()) return fail("\"" + entry.path + "\": found an entry without a name, expected one");
  METE_TRY(const Place at, place(path));
  if (entry.type != EntryType::kHardlink) {
    // Hardly ever is something there already.
    auto made = make(entry, at, content);
    if (made || made.error().code != EEXIST) return made;
    METE_TRY([[maybe_unused]] const bool replaced, make_room(at, entry.type));
    return make(entry, at, content);
  }
  METE_TRY(const std::string target, clean(entry.target));
  if (target == path) return {};  // a link to itself changes nothing
  // Needs a descriptor of its own: place() would close the one in `at`.
  const auto slash = target.rfind('/');
  METE_TRY(const UniqueFd from,
           open_in_root(root_.get(), slash == std::string::npos ? "" : target.substr(0, slash), O_PATH | O_DIRECTORY));
  const std::string name = target.substr(slash == std::string::npos ? 0 : slash + 1);
  struct stat info {};
  if (::fstatat(from.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(info.st_mode) ||
      is_whiteout(info)) {
    return fail(entry.path + ": found a hard link to \"" + entry.target + "\", expected a file that came before it");
  }
  METE_TRY([[maybe_unused]] const bool replaced, make_room(at, entry.type));
  if (::linkat(from.get(), name.c_str(), at.parent, at.name.c_str(), 0) != 0) return fail_errno(entry.path + ": link");
  return {};
}

Status LayerWriter::whiteout(const std::string& path) {
  METE_TRY(const std::string name, clean(path));
  if (name.empty()) return fail("\"" + path + "\": found a whiteout without a name, expected one");
  METE_TRY(const Place at, place(name));
  struct stat info {};
  if (::fstatat(at.parent, at.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    // This layer's own entry stays: a whiteout hides entries of the layers below.
    return S_ISDIR(info.st_mode) ? set_opaque(at.parent, at.name, path) : Status{};
  }
  if (::mknodat(at.parent, at.name.c_str(), S_IFCHR, makedev(0, 0)) != 0) return fail_errno(path + ": make whiteout");
  return {};
}

Status LayerWriter::opaque(const std::string& path) {
  METE_TRY(const std::string name, clean(path));
  METE_TRY(const int directory, parent_directory(name));
  return set_opaque(directory, ".", path);
}

Status LayerWriter::finish() {
  parent_.reset();
  return directories_.each([this](const std::string& path, const timespec& time) -> Status {
    // A later entry may have replaced the directory; a file has set its own time.
    auto fd = open_in_root(root_.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd) return {};
    const timespec times[2] = {time, time};
    return ::futimens(fd->get(), times) == 0 ? Status() : fail_errno(path + ": set time");
  });
}

}  // namespace mete::runtime::image
