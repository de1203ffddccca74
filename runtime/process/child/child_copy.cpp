// SPDX-License-Identifier: Apache-2.0
// tmpcopyup: fills a tmpfs with what the image has at its place. Works on descriptors, does not allocate, does not
// follow links.
#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "runtime/process/child/child_context.h"

namespace mete::runtime::process {
namespace {

constexpr int kDeepest = 64;

struct Entry {
  std::uint64_t inode;
  std::int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[1];
};

// 0: the mount is not known.
std::uint64_t mount_of(int directory, const char* name) {
  struct statx info {};
  return ::statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_MNT_ID, &info) == 0 ? info.stx_mnt_id : 0;
}

struct Copier {
  const ChildContext& child;
  const char* shown;
  std::uint64_t mount;  // the mount that is copied; others are not entered

  void owner_and_times(int to, const char* name, const struct stat& info) const {
    child.must(::fchownat(to, name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH),
               "set an owner below", shown);
    if (!S_ISLNK(info.st_mode)) {
      // After the owner, because chown clears the set-user-id bits. An empty name is the descriptor itself.
      child.must(*name == '\0' ? ::fchmod(to, info.st_mode & 07777U) : ::fchmodat(to, name, info.st_mode & 07777U, 0),
                 "set a mode below", shown);
    }
    const struct timespec times[2] = {info.st_atim, info.st_mtim};
    (void)(*name == '\0' ? ::futimens(to, times) : ::utimensat(to, name, times, AT_SYMLINK_NOFOLLOW));
  }

  void file(int from, int to, const char* name, const struct stat& info) const {
    const int in = static_cast<int>(
        child.must(::openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), "open a file below", shown));
    const int out = static_cast<int>(
        child.must(::openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "copy a file below", shown));
    constexpr std::size_t kMost = 1U << 30U;
    ssize_t sent = 0;
    do {
      sent = ::sendfile(out, in, nullptr, kMost);
    } while (sent > 0 || (sent < 0 && errno == EINTR));
    child.must(sent, "copy a file below", shown);
    owner_and_times(out, "", info);
    ::close(out);
    ::close(in);
  }

  void link(int from, int to, const char* name) const {
    char target[PATH_MAX];
    const long length = child.must(::readlinkat(from, name, target, sizeof target - 1), "read a link below", shown);
    target[length] = '\0';
    child.must(::symlinkat(target, to, name), "copy a link below", shown);
  }

  void entry(int from, int to, const char* name, int depth) const {
    struct stat info {};
    if (::fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || mount_of(from, name) != mount) return;
    if (S_ISDIR(info.st_mode)) {
      child.must(::mkdirat(to, name, 0700), "copy a directory below", shown);
      const int in = static_cast<int>(child.must(::openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                                                 "open a directory below", shown));
      const int out = static_cast<int>(
          child.must(::openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open a directory below", shown));
      directory(in, out, depth + 1);
      owner_and_times(out, "", info);
      ::close(in);
      ::close(out);
    } else if (S_ISREG(info.st_mode)) {
      file(from, to, name, info);
    } else if (S_ISLNK(info.st_mode)) {
      link(from, to, name);
      owner_and_times(to, name, info);
    } else {
      child.must(::mknodat(to, name, info.st_mode, info.st_rdev), "copy a special file below", shown);
      owner_and_times(to, name, info);
    }
  }

  void directory(int from, int to, int depth) const {
    if (depth > kDeepest) child.die("directories are nested too deep below", shown, ELOOP);
    alignas(Entry) char buffer[2048];
    while (true) {
      const long got =
          child.must(::syscall(SYS_getdents64, from, buffer, sizeof buffer), "read a directory below", shown);
      if (got == 0) return;
      for (long at = 0; at < got;) {
        const auto* const each = static_cast<const Entry*>(static_cast<const void*>(buffer + at));
        at += each->length;
        if (std::strcmp(each->name, ".") != 0 && std::strcmp(each->name, "..") != 0) entry(from, to, each->name, depth);
      }
    }
  }
};

}  // namespace

void copy_tree(const ChildContext& child, int from, int to, bool with_top, const char* shown) {
  struct stat info {};
  child.must(::fstat(from, &info), "stat", shown);
  // A mount that is not attached yet is an O_PATH descriptor only; writing needs a directory opened through it.
  const int out = static_cast<int>(child.must(::openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", shown));
  const Copier copier{child, shown, mount_of(from, "")};
  copier.directory(from, out, 0);
  if (with_top) copier.owner_and_times(out, "", info);
  ::close(out);
}

}  // namespace mete::runtime::process
