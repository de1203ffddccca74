// SPDX-License-Identifier: Apache-2.0
// The kernel resolves paths inside the container with the container's root as "/" (openat2 RESOLVE_IN_ROOT): neither
// ".." nor a symbolic link of the image leads out (CVE-2024-45310, CVE-2018-15664).
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "runtime/process/child/child_context.h"

namespace mete::runtime::process {
namespace {

constexpr mode_t kDirectoryMode = 0755;

constexpr int kMostLinks = 40;  // as many as the kernel follows

// Opens a path inside the root, whose missing parts it makes. `path` is writable, so that the recursion needs one
// buffer.
class Maker {
 public:
  Maker(const ChildContext& child, const char* shown) : child_(child), shown_(shown) {}

  int open(char* path, Target target) {
    const int existing = open_inside(child_.root, path, O_PATH, target.no_links ? RESOLVE_NO_SYMLINKS : 0);
    if (existing >= 0) return existing;
    if (errno == ELOOP && target.no_links) child_.die("found a symbolic link in", shown_, ELOOP);
    if (errno != ENOENT) child_.die("open", shown_);
    char* const name = last_name(path);
    const int parent = open_parent(path, name, target.no_links);
    make(parent, name, target.as_file);
    const int made = open_inside(child_.root, path, O_PATH, target.no_links ? RESOLVE_NO_SYMLINKS : 0);
    if (made < 0 && errno == ENOENT && !target.no_links) return follow(path, name, parent, target);
    ::close(parent);
    return static_cast<int>(child_.must(made, "open", shown_));
  }

  // The start of the last component; slashes behind it are cut off.
  char* last_name(char* path) const {
    std::size_t end = std::strlen(path);
    while (end > 0 && path[end - 1] == '/') --end;
    path[end] = '\0';
    while (end > 0 && path[end - 1] != '/') --end;
    if (path[end] == '\0' || std::strlen(path + end) > NAME_MAX) child_.die("no name at the end of", shown_, EINVAL);
    return path + end;
  }

  int open_parent(char* path, char* name, bool no_links) {
    if (name - path <= 1) return static_cast<int>(child_.must(open_inside(child_.root, "/", O_PATH), "open", "/"));
    *(name - 1) = '\0';
    const int parent = open(path, {.as_file = false, .no_links = no_links});
    *(name - 1) = '/';
    return parent;
  }

 private:
  void make(int parent, const char* name, bool as_file) const {
    if (as_file) {
      const int made = ::openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
      if (made < 0 && errno != EEXIST) child_.die("make file", shown_);
      if (made >= 0) ::close(made);
    } else if (::mkdirat(parent, name, kDirectoryMode) != 0 && errno != EEXIST) {
      child_.die("make directory", shown_);
    }
  }

  // A symbolic link to nothing is there: what it leads to is made, inside the root as all paths.
  int follow(const char* path, const char* name, int parent, Target target) {
    char to[PATH_MAX];
    if (++links_ > kMostLinks) child_.die("open", shown_, ELOOP);
    char* end = to;
    char text[PATH_MAX];
    const long length = child_.must(::readlinkat(parent, name, text, sizeof text - 1), "read the link", shown_);
    ::close(parent);
    text[length] = '\0';
    if (text[0] != '/') {
      // Beside the link: the directory may be reached by links itself, which the kernel resolves again.
      std::memcpy(to, path, static_cast<std::size_t>(name - path));
      end += name - path;
    }
    if (static_cast<std::size_t>(end - to) + static_cast<std::size_t>(length) >= sizeof to)
      child_.die("path is too long:", shown_, ENAMETOOLONG);
    std::memcpy(end, text, static_cast<std::size_t>(length) + 1);
    return open(to, target);
  }

  const ChildContext& child_;
  const char* shown_;
  int links_ = 0;
};

class WritablePath {
 public:
  WritablePath(const ChildContext& child, const char* path) {
    if (std::strlen(path) >= sizeof text) child.die("path is too long:", path, ENAMETOOLONG);
    std::strcpy(text, path);
  }
  char text[PATH_MAX];
};

// Opens the directory of the last component (made when missing) and copies the component's name to `name`.
int open_parent(const ChildContext& child, const char* path, char (&name)[NAME_MAX + 1]) {
  WritablePath copy(child, path);
  Maker maker(child, path);
  char* const last = maker.last_name(copy.text);
  std::strcpy(name, last);
  return maker.open_parent(copy.text, last, false);
}

}  // namespace

int open_inside(int root, const char* path, std::uint64_t flags, std::uint64_t resolve) {
  struct open_how how {};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve;
  long fd = 0;
  do {
    fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
  } while (fd < 0 && errno == EAGAIN);  // a rename raced with the resolution of ".."
  return static_cast<int>(fd);
}

int open_target(const ChildContext& child, const char* path, Target target) {
  WritablePath copy(child, path);
  return Maker(child, path).open(copy.text, target);
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
    // A user namespace may not make devices: the host's node is bound instead, with the attributes that a /dev of the
    // container's own has.
    const BindMount bind{
        .source = op.path, .sub_path = {}, .destination = op.path, .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
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

namespace {

// In the procfs that this child has mounted itself. In that of the machine the kernel keeps a name for each namespace
// that has asked for it, all in one chain of its name cache: beside 1,000 containers that was a tenth of a start.
int open_sysctl(const ChildContext& child, const std::string& path) {
  if (child.proc >= 0) {
    const int sys = open_inside(child.proc, "sys", O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
    const int fd = sys < 0 ? -1 : open_inside(sys, path.c_str(), O_WRONLY, RESOLVE_NO_XDEV);
    if (sys >= 0) ::close(sys);
    if (fd >= 0) return fd;  // else it is read-only, has no sysctls (subset=pid), or something is mounted there
  }
  // The host's own procfs, opened before the image's root is entered (CVE-2025-52881).
  const int proc =
      static_cast<int>(child.must(::open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC), "open /proc/sys"));
  struct statfs info {};
  child.must(::fstatfs(proc, &info), "stat /proc/sys");
  if (info.f_type != PROC_SUPER_MAGIC) child.die("/proc/sys is not procfs", "", EINVAL);
  const int fd = open_inside(proc, path.c_str(), O_WRONLY);
  ::close(proc);
  return fd;
}

}  // namespace

void execute(ChildContext& child, const WriteSysctl& op) {
  const int fd = open_sysctl(child, op.path);
  if (fd < 0) child.die("open sysctl", op.path.c_str());
  if (::write(fd, op.value.data(), op.value.size()) < 0) child.die("write sysctl", op.path.c_str());
  ::close(fd);
}

void execute(ChildContext& child, const MakeDirectory& op) {
  const int existing = open_inside(child.root, op.path.c_str(), O_PATH);
  if (existing >= 0) {
    ::close(existing);
  } else if (errno == ENOENT) {
    ::close(open_target(child, op.path.c_str(), {}));
  }  // Whatever else is wrong with the path is told by those that use it.
}

void execute(ChildContext& child, const ChangeDirectory& op) {
  if (::chdir(op.path.c_str()) == 0) return;
  if (errno == ENOENT) {
    child.root = static_cast<int>(child.must(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open /"));
    ::close(open_target(child, op.path.c_str(), {}));
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
