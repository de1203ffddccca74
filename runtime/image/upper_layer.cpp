// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/upper_layer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string_view>

#include "runtime/file.h"
#include "runtime/image/tree.h"

namespace mete::runtime::image {
namespace {

constexpr std::string_view kOverlay = "trusted.overlay.";
constexpr std::string_view kOverlayOpaque = "trusted.overlay.opaque";

std::string inside(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

bool hides_lower(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

bool no_layer_has(const struct stat& info) {
  return S_ISSOCK(info.st_mode) || ((S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) && !hides_lower(info));
}

Status check_name(const std::string& name, const std::string& path) {
  if (!name.starts_with(".wh.")) return {};
  return fail("/" + path +
              ": found a name that starts with .wh., expected another one: layers mark what is removed so");
}

timespec layer_time(const timespec& time, const UpperOptions& options) {
  timespec cut{time.tv_sec, 0};
  if (options.latest && cut.tv_sec > *options.latest) cut.tv_sec = *options.latest;
  return cut;
}

bool is_opaque_directory(int fd) {
  char value = 0;
  return ::fgetxattr(fd, kOverlayOpaque.data(), &value, 1) == 1 && value == 'y';
}

// `change` is called with each of overlayfs' attributes but that of an opaque directory.
template <class Change>
Status each_overlay_note(int fd, const std::string& path, Change change) {
  std::string names(65536, '\0');  // the kernel's own limit
  const ssize_t size = ::flistxattr(fd, names.data(), names.size());
  if (size < 0) return errno == ENOTSUP ? Status{} : fail_errno("list attributes of /" + path);
  for (std::size_t at = 0; at < static_cast<std::size_t>(size); at += std::strlen(names.c_str() + at) + 1) {
    const std::string name = names.c_str() + at;
    if (!name.starts_with(kOverlay) || name == kOverlayOpaque) continue;
    if (name.ends_with(".redirect") || name.ends_with(".metacopy"))
      return fail("/" + path + ": found " + name + ", expected whole files: overlayfs wrote a part only");
    METE_CHECK(change(name));
  }
  return {};
}

Status drop_overlay_notes(int fd, const std::string& path) {
  return each_overlay_note(fd, path, [&](const std::string& name) -> Status {
    if (::fremovexattr(fd, name.c_str()) != 0 && errno != ENODATA) return fail_errno("remove " + name + " of /" + path);
    return {};
  });
}

class UpperCleaner {
 public:
  explicit UpperCleaner(const UpperOptions& options) : options_(options) {}

  Status directory(int fd, const std::string& path) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return fail_errno("stat /" + path);
    METE_CHECK(drop_overlay_notes(fd, path));
    METE_TRY(const auto names, sorted_names(fd, path));
    for (const std::string& name : names) METE_CHECK(child(fd, name, inside(path, name)));
    // After the children: removing one changes it.
    const timespec time = layer_time(info.st_mtim, options_);
    const timespec times[2] = {time, time};
    if (::futimens(fd, times) != 0) return fail_errno("set time of /" + path);
    return {};
  }

 private:
  Status child(int parent, const std::string& name, const std::string& path) {
    METE_CHECK(check_name(name, path));
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("stat /" + path);
    if (no_layer_has(info)) {
      if (::unlinkat(parent, name.c_str(), 0) != 0) return fail_errno("remove /" + path);
      if (options_.on_device && !S_ISSOCK(info.st_mode)) options_.on_device(path);
      return {};
    }
    if (hides_lower(info)) return {};  // overlayfs may share one node among many whiteouts
    if (S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)) {
      const UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (!fd.valid()) return fail_errno("open /" + path);
      if (S_ISDIR(info.st_mode)) return directory(fd.get(), path);
      METE_CHECK(drop_overlay_notes(fd.get(), path));
    }
    const timespec time = layer_time(info.st_mtim, options_);
    if (time.tv_sec == info.st_mtim.tv_sec && info.st_mtim.tv_nsec == 0) return {};
    const timespec times[2] = {time, time};
    if (::utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("set time of /" + path);
    return {};
  }

  const UpperOptions& options_;
};

class UpperCopy {
 public:
  UpperCopy(LayerWriter& layer, Budget& budget, const UpperOptions& options)
      : layer_(layer), budget_(budget), options_(options) {}

  Status directory(int fd, const std::string& path) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return fail_errno("stat /" + path);
    METE_CHECK(refuse_parts(fd, path));
    Entry entry = entry_of(info, EntryType::kDirectory, path);
    METE_CHECK(read_kept_xattrs(fd, entry));
    METE_CHECK(layer_.add(entry));
    if (!path.empty() && is_opaque_directory(fd)) METE_CHECK(layer_.opaque(path));
    METE_TRY(const auto names, sorted_names(fd, path));
    for (const std::string& name : names) METE_CHECK(child(fd, name, inside(path, name)));
    return {};
  }

 private:
  Entry entry_of(const struct stat& info, EntryType type, const std::string& path) const {
    return {.type = type,
            .path = path,
            .mode = info.st_mode & 07777U,
            .uid = info.st_uid,
            .gid = info.st_gid,
            .mtime = layer_time(info.st_mtim, options_)};
  }

  static Status refuse_parts(int fd, const std::string& path) {
    return each_overlay_note(fd, path, [](const std::string&) { return Status(); });
  }

  Status content(int from, int to, const std::string& path) {
    while (true) {
      const ssize_t got = ::read(from, buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno("read /" + path);
      if (got == 0) return {};
      METE_CHECK(budget_.take(static_cast<std::uint64_t>(got)));
      METE_CHECK(write_all(to, {buffer_.data(), static_cast<std::size_t>(got)}));
    }
  }

  Status file(int parent, const std::string& name, Entry& entry) {
    const UniqueFd from(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!from.valid()) return fail_errno("open /" + entry.path);
    METE_CHECK(refuse_parts(from.get(), entry.path));
    METE_CHECK(read_kept_xattrs(from.get(), entry));
    return layer_.add(entry, [&](int to) { return content(from.get(), to, entry.path); });
  }

  Status child(int parent, const std::string& name, const std::string& path) {
    METE_CHECK(check_name(name, path));
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? Status{} : fail_errno("stat /" + path);  // the container has just removed it
    if (no_layer_has(info)) return {};
    METE_CHECK(budget_.take(256));  // its inode
    if (hides_lower(info)) return layer_.whiteout(path);
    if (S_ISDIR(info.st_mode)) {
      const UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!fd.valid()) return fail_errno("open /" + path);
      return directory(fd.get(), path);
    }
    Entry entry = entry_of(info, EntryType::kFile, path);
    if (info.st_nlink > 1) {
      const auto [first, is_first] = linked_.emplace(std::pair(info.st_dev, info.st_ino), path);
      if (!is_first) {
        entry.type = EntryType::kHardlink;
        entry.target = first->second;
        return layer_.add(entry);
      }
    }
    if (S_ISREG(info.st_mode)) return file(parent, name, entry);
    entry.type = S_ISLNK(info.st_mode) ? EntryType::kSymlink : EntryType::kFifo;
    if (S_ISLNK(info.st_mode)) {
      METE_TRY(entry.target, read_link_at(parent, name, path));
    }
    return layer_.add(entry);
  }

  LayerWriter& layer_;
  Budget& budget_;
  const UpperOptions& options_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files with several names -> the first name
  std::string buffer_ = std::string(256U << 10U, '\0');
};

}  // namespace

Status clean_upper(const std::string& upper, const UpperOptions& options) {
  METE_TRY(const UniqueFd root, open_at(AT_FDCWD, upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return UpperCleaner(options).directory(root.get(), "");
}

Status copy_upper(const std::string& upper, LayerWriter& layer, Budget& budget, const UpperOptions& options) {
  METE_TRY(const UniqueFd root, open_at(AT_FDCWD, upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return UpperCopy(layer, budget, options).directory(root.get(), "");
}

Result<bool> is_empty_layer(const std::string& layer) {
  METE_TRY(const UniqueFd root, open_at(AT_FDCWD, layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  METE_TRY(const auto names, sorted_names(root.get(), layer));
  return names.empty();
}

}  // namespace mete::runtime::image
