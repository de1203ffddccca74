// SPDX-License-Identifier: Apache-2.0
// How the container's root becomes "/". What the host has mounted must not stay in the container's mount namespace: as
// long as a whole proc is mounted anywhere in it, the kernel lets a user namespace made inside mount another one,
// without the masked paths (fs/namespace.c, mnt_already_visible).
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "runtime/process/child/child_context.h"

namespace mete::runtime::process {
namespace {

// Reads /proc/self/mountinfo (proc(5)) without allocating. After next() `id`, `parent` and `point` are those of a
// mount; `point` is relative to the process's root.
class MountTable {
 public:
  explicit MountTable(const ChildContext& child)
      : fd_(static_cast<int>(child.must(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), "open mountinfo"))) {}
  MountTable(const MountTable&) = delete;
  MountTable& operator=(const MountTable&) = delete;
  ~MountTable() { ::close(fd_); }

  void rewind() {
    ::lseek(fd_, 0, SEEK_SET);
    used_ = filled_ = 0;
  }

  bool next() {
    id = parent = 0;
    std::size_t length = 0;
    unsigned field = 0;
    bool any = false;
    for (int c = get(); c >= 0; c = get()) {
      any = true;
      if (c == '\n') break;
      if (c == ' ') {
        ++field;
      } else if (field == 0 || field == 1) {
        auto& number = field == 0 ? id : parent;
        number = number * 10 + static_cast<std::uint64_t>(c - '0');
      } else if (field == kPoint && length + 1 < sizeof point) {
        point[length++] = static_cast<char>(c == '\\' ? escaped() : c);
      }
    }
    point[length] = '\0';
    return any;
  }

  std::uint64_t id = 0;
  std::uint64_t parent = 0;
  char point[PATH_MAX] = {};

 private:
  static constexpr unsigned kPoint = 4;

  int get() {
    if (used_ == filled_) {
      const ssize_t got = ::read(fd_, buffer_, sizeof buffer_);
      filled_ = got > 0 ? static_cast<std::size_t>(got) : 0;
      used_ = 0;
      if (filled_ == 0) return -1;
    }
    return static_cast<unsigned char>(buffer_[used_++]);
  }
  // A blank is written as \040.
  int escaped() {
    int code = 0;
    for (int digit = 0; digit < 3; ++digit) code = code * 8 + (get() - '0');
    return code;
  }

  int fd_;
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
  char buffer_[8192] = {};
};

std::uint64_t mount_id(const ChildContext& child, int directory, const char* path) {
  struct statx info {};
  child.must(::statx(directory, path, AT_EMPTY_PATH, STATX_MNT_ID, &info), "statx", path);
  return info.stx_mnt_id;
}

// Detaches the mounts directly below a mount, and with each those below it. A mount that belongs to a more privileged
// mount namespace is locked to its place (mount_namespaces(7)); it is covered. A mount below a directory that this user
// namespace may not search (EACCES: a 0700 directory of an owner without a mapping) stays: nobody inside can reach it.
class Remover {
 public:
  Remover(const ChildContext& child, std::uint64_t root) : child_(child), root_(root), table_(child) {}

  void remove_all() {
    constexpr int kMostRounds = 100'000;
    for (int round = 0; remove_one(); ++round) {
      if (round == kMostRounds) child_.die("detach the mounts of the old root", "", ELOOP);
    }
  }

 private:
  // A round ends at the first mount: reading on in a table that has changed may leave lines out.
  bool remove_one() {
    table_.rewind();
    while (table_.next()) {
      if (table_.parent != root_ || std::strcmp(table_.point, "/") == 0 || is_covered(table_.id)) continue;
      if (::umount2(table_.point, MNT_DETACH | UMOUNT_NOFOLLOW) != 0) cover();
      return true;
    }
    return false;
  }

  void cover() {
    const bool out_of_reach = errno == EACCES;
    if ((errno != EINVAL && errno != EPERM && !out_of_reach) || covered_count_ == kMostCovered) {
      child_.die("detach", table_.point);
    }
    if (!out_of_reach) {
      child_.must(::mount("none", table_.point, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=000"),
                  "cover", table_.point);
    }
    covered_[covered_count_++] = table_.id;
  }

  [[nodiscard]] bool is_covered(std::uint64_t id) const {
    for (std::size_t i = 0; i < covered_count_; ++i) {
      if (covered_[i] == id) return true;
    }
    return false;
  }

  static constexpr std::size_t kMostCovered = 512;
  const ChildContext& child_;
  std::uint64_t root_;
  MountTable table_;
  std::uint64_t covered_[kMostCovered] = {};
  std::size_t covered_count_ = 0;
};

// pivot_root(".", ".") puts the old root on top of the new one, where it is detached; the image needs no directory for
// it (pivot_root(2), NOTES).
bool pivot(const ChildContext& child) {
  child.must(::fchdir(child.root), "change directory to the root");
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return false;
  child.must(::umount2(".", MNT_DETACH), "detach the old root");
  return true;
}

void leave(ChildContext& child) {
  child.must(::chdir("/"), "change directory to /");
  ::close(child.root);
  child.root = -1;
}

}  // namespace

void execute(ChildContext& child, const SetRootPropagation& op) {
  child.must(::mount(nullptr, "/", nullptr, op.propagation, nullptr), "set the propagation of the root");
}

void execute(ChildContext& child, const EnterRoot&) {
  child.must(::fchdir(child.root), "change directory to the root");
  child.must(::chroot("."), "chroot");
  ::close(child.root);
  child.root = -1;
}

void execute(ChildContext& child, const PivotRoot&) {
  if (!pivot(child)) child.die("pivot_root");
  leave(child);
}

void execute(ChildContext& child, const MoveRoot&) {
  if (!pivot(child)) {
    const std::uint64_t old = mount_id(child, AT_FDCWD, "/");
    child.must(::mount(".", "/", nullptr, MS_MOVE, nullptr), "move the root");
    // Now that the container's root is away from the mounts that held it. Absolute paths still begin at the old root.
    Remover(child, old).remove_all();
    child.must(::chroot("."), "chroot");
  }
  leave(child);
}

}  // namespace mete::runtime::process
