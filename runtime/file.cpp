// SPDX-License-Identifier: Apache-2.0
#include "runtime/file.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cstddef>

namespace mete::runtime {
namespace {

// A container can make directories a hundred thousand levels deep. A directory deeper than this is moved up to the top
// and removed from there, so that the depth costs neither stack, nor descriptors, nor path length.
constexpr int kDeepest = 64;

class TreeRemoval {
 public:
  TreeRemoval(dev_t device, std::string shown) : device_(device), shown_(std::move(shown)) {}

  Status remove(int parent, const char* name) { return remove_at(parent, {name, DT_UNKNOWN}, shown_, 0); }

 private:
  struct Entry {
    const char* name;
    unsigned char type;
  };

  Status remove_at(int dir, const Entry& entry, const std::string& shown, int depth) {
    const char* const name = entry.name;
    if (entry.type != DT_DIR) {
      if (::unlinkat(dir, name, 0) == 0 || errno == ENOENT) return {};
      if (errno != EISDIR && errno != EPERM) return fail_errno("remove " + shown);
    }
    const UniqueFd child(::openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!child.valid() && entry.type == DT_DIR && (errno == ENOTDIR || errno == ELOOP))
      return remove_at(dir, {name, DT_UNKNOWN}, shown, depth);  // something else by now
    if (!child.valid()) return errno == ENOENT ? Status{} : fail_errno("remove " + shown);
    struct stat info {};
    if (::fstat(child.get(), &info) != 0) return fail_errno("stat " + shown);
    if (info.st_dev != device_)
      return fail(shown + ": is a mount point, expected a plain directory; nothing below it was removed");
    if (depth == 0) top_ = child.get();
    if (depth == kDeepest) return move_up(dir, name, shown);
    METE_CHECK(remove_children(child.get(), shown, depth));
    for (unsigned moved = 0; depth == 0 && moved != moved_;) {
      moved = moved_;
      if (::lseek(child.get(), 0, SEEK_SET) != 0) return fail_errno("read directory " + shown);
      METE_CHECK(remove_children(child.get(), shown, depth));
    }
    if (::unlinkat(dir, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return fail_errno("remove " + shown);
    return {};
  }

  // Not by opendir(3), whose stream takes six more calls and 32 KiB for each directory.
  Status remove_children(int dir, const std::string& shown, int depth) {
    alignas(dirent64) std::array<char, 2048> buffer;
    while (true) {
      const ssize_t got = ::getdents64(dir, buffer.data(), buffer.size());
      if (got < 0) return fail_errno("read directory " + shown);
      if (got == 0) return {};
      for (ssize_t at = 0; at < got;) {
        const auto* const entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
        at += entry->d_reclen;
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        METE_CHECK(remove_at(dir, {entry->d_name, entry->d_type}, shown + "/" + entry->d_name, depth + 1));
      }
    }
  }

  Status move_up(int dir, const char* name, const std::string& shown) {
    while (true) {
      const std::string place = ".deep-" + std::to_string(++moved_);
      if (::renameat(dir, name, top_, place.c_str()) == 0 || errno == ENOENT) return {};
      if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) return fail_errno("remove " + shown);
    }
  }

  dev_t device_;
  std::string shown_;
  int top_ = -1;  // the tree's root, while it is open in remove_at
  unsigned moved_ = 0;
};

}  // namespace

Result<UniqueFd> open_at(int dir, const std::string& path, int flags, mode_t mode) {
  UniqueFd fd(::openat(dir, path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd.valid()) return fail_errno("open " + path);
  return fd;
}

Result<std::string> read_file(int dir, const std::string& path, std::size_t limit) {
  METE_TRY(const UniqueFd fd, open_at(dir, path, O_RDONLY));
  return read_all(fd.get(), path, limit);
}

Result<std::string> read_all(int fd, const std::string& shown, std::size_t limit) {
  // Most files are short. One that is not goes on in a buffer that grows: procfs and cgroup files report no size.
  std::array<char, 4096> first;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  std::size_t used = 0;
  while (used < first.size()) {
    const ssize_t got = ::read(fd, first.data() + used, first.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + shown);
    if (got == 0) {
      if (used > limit) break;
      return std::string(first.data(), used);
    }
    used += static_cast<std::size_t>(got);
  }
  std::string text(first.data(), used);
  while (true) {
    if (used > limit)
      return fail(shown + ": found more than " + std::to_string(limit) + " bytes, expected at most that");
    if (text.size() - used < 4096) text.resize(text.size() + (text.size() < 65536 ? 16384 : text.size()));
    const ssize_t got = ::read(fd, text.data() + used, text.size() - used);
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail_errno("read " + shown);
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  text.resize(used);
  return text;
}

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0) {
      if (errno == EINTR) continue;
      return fail_errno("write");
    }
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Status write_control(int dir, const std::string& path, std::string_view text) {
  METE_TRY(UniqueFd fd, open_at(dir, path, O_WRONLY));
  // A control file takes a whole value in one write, or rejects it.
  while (::write(fd.get(), text.data(), text.size()) < 0) {
    if (errno != EINTR) return fail_errno("write \"" + std::string(text) + "\" to " + path);
  }
  return {};
}

namespace {

std::string staged(const std::string& path) {
  return path + ".tmp";
}

Status sync_parent(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  METE_TRY(UniqueFd dir, open_at(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY));
  return ::fsync(dir.get()) == 0 ? Status() : fail_errno("fsync " + parent);
}

}  // namespace

Status stage_file(const std::string& path, std::string_view text, mode_t mode, Durability durability) {
  const std::string temporary = staged(path);
  const auto write = [&]() -> Status {
    METE_TRY(UniqueFd fd, open_at(AT_FDCWD, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
    if (auto written = write_all(fd.get(), text); !written) return fail_in(temporary, written.error());
    if (durability == Durability::durable && ::fsync(fd.get()) != 0) return fail_errno("fsync " + temporary);
    return {};
  };
  auto done = write();
  if (!done) unstage_file(path);
  return done;
}

Status commit_file(const std::string& path, Durability durability) {
  if (::rename(staged(path).c_str(), path.c_str()) != 0) {
    auto failed = fail_errno("rename to " + path);
    unstage_file(path);
    return failed;
  }
  return durability == Durability::volatile_ ? Status() : sync_parent(path);
}

void unstage_file(const std::string& path) {
  ::unlink(staged(path).c_str());
}

namespace {

// The file beside a path that becomes it. Several processes may write one path: the lock of the open file tells whose
// the common name is. What a crash leaves has no lock, and is written over.
struct Beside {
  std::string name;
  UniqueFd fd;
};

// Empty: another process writes there now, or has just made it the file at `path`.
Result<std::optional<Beside>> open_common(const std::string& path, mode_t mode) {
  Beside beside{staged(path), {}};
  METE_TRY(beside.fd, open_at(AT_FDCWD, beside.name, O_WRONLY | O_CREAT | O_NOFOLLOW, mode));
  if (::flock(beside.fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return std::nullopt;
  struct stat opened {};
  struct stat named {};
  if (::fstat(beside.fd.get(), &opened) != 0) return fail_errno("stat " + beside.name);
  if (::lstat(beside.name.c_str(), &named) != 0 || named.st_ino != opened.st_ino || named.st_dev != opened.st_dev)
    return std::nullopt;
  if (opened.st_size > 0 && ::ftruncate(beside.fd.get(), 0) != 0) return fail_errno("truncate " + beside.name);
  return beside;
}

Result<Beside> open_beside(const std::string& path, mode_t mode) {
  METE_TRY(auto common, open_common(path, mode));
  if (common) return std::move(*common);
  static std::atomic<unsigned> count{0};
  Beside own{path + "." + std::to_string(::getpid()) + "-" + std::to_string(++count) + ".tmp", {}};
  METE_TRY(own.fd, open_at(AT_FDCWD, own.name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
  return own;
}

}  // namespace

Status replace_file(const std::string& path, std::string_view text, mode_t mode, Durability durability) {
  METE_TRY(const Beside beside, open_beside(path, mode));
  const auto write = [&]() -> Status {
    if (auto written = write_all(beside.fd.get(), text); !written) return fail_in(beside.name, written.error());
    if (durability == Durability::durable && ::fsync(beside.fd.get()) != 0) return fail_errno("fsync " + beside.name);
    return ::rename(beside.name.c_str(), path.c_str()) == 0 ? Status() : fail_errno("rename to " + path);
  };
  if (Status written = write(); !written) {
    (void)::unlink(beside.name.c_str());
    return written;
  }
  return durability == Durability::volatile_ ? Status() : sync_parent(path);
}

Status make_directories(const std::string& path, mode_t mode) {
  if (path.empty()) return fail("mkdir: found an empty path, expected a directory's");
  // From the end: mostly only the last one or two are missing.
  if (::mkdir(path.c_str(), mode) == 0) return {};
  if (const auto slash = path.find_last_not_of('/'); errno == ENOENT && slash != std::string::npos) {
    const auto end = path.rfind('/', slash);
    if (end != std::string::npos && end > 0) {
      METE_CHECK(make_directories(path.substr(0, end), mode));
      if (::mkdir(path.c_str(), mode) == 0) return {};
    }
  }
  if (errno != EEXIST) return fail_errno("mkdir " + path);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("stat " + path);
  if (!S_ISDIR(info.st_mode)) return fail(path + ": found a file, expected a directory");
  return {};
}

Status remove_tree(const std::string& path) {
  struct stat info {};
  const auto slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (name.empty() || name == "." || name == "..")
    return fail("remove " + path + ": expected the name of a directory at its end");
  const UniqueFd dir(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return errno == ENOENT ? Status{} : fail_errno("open " + parent);
  if (::fstat(dir.get(), &info) != 0) return fail_errno("stat " + parent);
  return TreeRemoval(info.st_dev, path).remove(dir.get(), name.c_str());
}

}  // namespace mete::runtime
