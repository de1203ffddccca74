// SPDX-License-Identifier: Apache-2.0
// The kernel resolves paths inside the container with the container's root as "/" (openat2 RESOLVE_IN_ROOT): neither
// ".." nor a symbolic link of the image leads out (CVE-2024-45310, CVE-2018-15664).
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "runtime/process/child_context.h"

namespace mete::runtime::process {
namespace {

constexpr mode_t kDirectoryMode = 0755;

// Opens the directory of the last component (made when missing) and copies the component's name to `name`.
int open_parent(const ChildContext& child, const char* path, char (&name)[NAME_MAX + 1]) {
  char prefix[PATH_MAX];
  const std::size_t length = std::strlen(path);
  if (length >= sizeof prefix) child.die("path is too long:", path, ENAMETOOLONG);
  std::size_t end = length;
  while (end > 0 && path[end - 1] == '/') --end;
  std::size_t start = end;
  while (start > 0 && path[start - 1] != '/') --start;
  if (end == start || end - start > NAME_MAX) child.die("no name at the end of", path, EINVAL);
  std::memcpy(name, path + start, end - start);
  name[end - start] = '\0';
  while (start > 0 && path[start - 1] == '/') --start;
  if (start == 0) return open_inside(child.root, "/", O_PATH | O_DIRECTORY);
  std::memcpy(prefix, path, start);
  prefix[start] = '\0';
  return open_target(child, prefix, false);
}

}  // namespace

int open_inside(int root, const char* path, std::uint64_t flags) {
  struct open_how how {};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  long fd = 0;
  do {
    fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
  } while (fd < 0 && errno == EAGAIN);  // a rename raced with the resolution of ".."
  return static_cast<int>(fd);
}

int open_target(const ChildContext& child, const char* path, bool as_file) {
  const int existing = open_inside(child.root, path, O_PATH);
  if (existing >= 0) return existing;
  if (errno != ENOENT) child.die("open", path);
  char name[NAME_MAX + 1];
  const int parent = open_parent(child, path, name);
  if (parent < 0) child.die("open the directory of", path);
  if (as_file) {
    const int made = ::openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (made < 0 && errno != EEXIST) child.die("make file", path);
    if (made >= 0) ::close(made);
  } else if (::mkdirat(parent, name, kDirectoryMode) != 0 && errno != EEXIST) {
    child.die("make directory", path);
  }
  ::close(parent);
  return static_cast<int>(child.must(open_inside(child.root, path, O_PATH), "open", path));
}

void execute(ChildContext& child, const MakeDevice& op) {
  char name[NAME_MAX + 1];
  const char* path = op.path.c_str();
  const int parent = open_parent(child, path, name);
  if (parent < 0) child.die("open the directory of", path);
  if (::mknodat(parent, name, op.type_and_mode, op.device) == 0) {
    child.must(::fchownat(parent, name, op.uid, op.gid, AT_SYMLINK_NOFOLLOW), "set the owner of", path);
    // mknod applied the umask.
    child.must(::fchmodat(parent, name, op.type_and_mode & 07777U, 0), "set the mode of", path);
  } else if (errno == EEXIST) {
    // The image's own /dev: its node is used only when it is the requested device.
    struct stat info {};
    child.must(::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW), "stat", path);
    if ((info.st_mode & S_IFMT) != (op.type_and_mode & S_IFMT) || info.st_rdev != op.device)
      child.die("another file is at", path, EEXIST);
  } else if (errno == EPERM) {
    // A user namespace may not make devices: the host's node is bound instead.
    const BindMount bind{.source = op.path, .sub_path = {}, .destination = op.path};
    execute(child, bind);
  } else {
    child.die("make device", path);
  }
  ::close(parent);
}

void execute(ChildContext& child, const MakeSymlink& op) {
  char name[NAME_MAX + 1];
  const int parent = open_parent(child, op.path.c_str(), name);
  if (parent < 0) child.die("open the directory of", op.path.c_str());
  if (::symlinkat(op.target.c_str(), parent, name) != 0 && errno != EEXIST) child.die("make link", op.path.c_str());
  ::close(parent);
}

void execute(ChildContext& child, const WriteSysctl& op) {
  // The host's own procfs, opened before the image's root is entered (CVE-2025-52881).
  const int proc =
      static_cast<int>(child.must(::open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC), "open /proc/sys"));
  struct statfs info {};
  child.must(::fstatfs(proc, &info), "stat /proc/sys");
  if (info.f_type != PROC_SUPER_MAGIC) child.die("/proc/sys is not procfs", "", EINVAL);
  const int fd = open_inside(proc, op.path.c_str(), O_WRONLY);
  if (fd < 0) child.die("open sysctl", op.path.c_str());
  if (::write(fd, op.value.data(), op.value.size()) < 0) child.die("write sysctl", op.path.c_str());
  ::close(fd);
  ::close(proc);
}

void execute(ChildContext& child, const ChangeDirectory& op) {
  if (::chdir(op.path.c_str()) == 0) return;
  if (errno == ENOENT) {
    child.root = static_cast<int>(child.must(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open /"));
    ::close(open_target(child, op.path.c_str(), false));
    ::close(child.root);
    child.root = -1;
  }
  child.must(::chdir(op.path.c_str()), "change directory to", op.path.c_str());
}

void execute(ChildContext& child, const OpenRoot& op) {
  child.root = static_cast<int>(
      child.must(::open(op.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open root", op.path.c_str()));
}

void execute(ChildContext& child, const EnterDirectory& op) {
  child.must(::chdir(op.path.c_str()), "change directory to", op.path.c_str());
}

}  // namespace mete::runtime::process
