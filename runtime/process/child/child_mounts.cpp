// SPDX-License-Identifier: Apache-2.0
// Mounts are built detached (fsopen, open_tree) and moved onto a descriptor of their target, so no path is resolved
// twice and an image's symbolic links cannot lead them out of the root (CVE-2021-30465, CVE-2019-19921).
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/process/child/child_context.h"
#include "runtime/process/plan/mount_attributes.h"
#include "runtime/process/plan/sub_path.h"

namespace mete::runtime::process {
namespace {

constexpr std::uint64_t kPropagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

void set_attributes(const ChildContext& child, int mount, std::uint64_t attributes, std::uint64_t cleared,
                    bool recursive, const char* shown) {
  int done = change_attributes(mount, attributes, cleared, recursive);
  // Read-only by a more privileged mount namespace (mount_namespaces(7)) stays so: podman names "rw" for every volume.
  if (done != 0 && errno == EPERM && (cleared & MOUNT_ATTR_RDONLY) != 0)
    done = change_attributes(mount, attributes, cleared & ~std::uint64_t{MOUNT_ATTR_RDONLY}, recursive);
  child.must(done, "set mount attributes of", shown);
}

void set_propagation(const ChildContext& child, int mount, std::uint64_t propagation, const char* shown) {
  if (propagation == 0) return;
  struct mount_attr change {};
  change.propagation = propagation & kPropagation;
  const unsigned flags = AT_EMPTY_PATH | ((propagation & MS_REC) != 0 ? AT_RECURSIVE : 0U);
  child.must(::mount_setattr(mount, "", flags, &change, sizeof change), "set propagation of", shown);
}

// Splits "key=value", because fsconfig takes two texts. A value may have at most a page.
int set_option(int context, const char* option) {
  const char* equals = std::strchr(option, '=');
  if (equals == nullptr) return ::fsconfig(context, FSCONFIG_SET_FLAG, option, nullptr, 0);
  char key[64];
  const auto length = static_cast<std::size_t>(equals - option);
  if (length >= sizeof key) {
    errno = EINVAL;
    return -1;
  }
  std::memcpy(key, option, length);
  key[length] = '\0';
  return ::fsconfig(context, FSCONFIG_SET_STRING, key, equals + 1, 0);
}

bool is_directory(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

// `mode` is one more option, or null.
int new_filesystem(const ChildContext& child, const MountFilesystem& op, const char* mode) {
  const int context = ::fsopen(op.type.c_str(), FSOPEN_CLOEXEC);
  if (context < 0) {
    if (op.optional && errno == ENODEV) return -1;
    child.die("open file system", op.type.c_str());
  }
  if (!op.source.empty()) {
    child.must(::fsconfig(context, FSCONFIG_SET_STRING, "source", op.source.c_str(), 0), "set source of",
               op.type.c_str());
  }
  for (const auto& option : op.options) child.must(set_option(context, option.c_str()), "mount option", option.c_str());
  if (mode != nullptr) child.must(set_option(context, mode), "mount option", mode);
  if (::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
    const int reason = errno;
    if (op.optional) {
      ::close(context);
      return -1;
    }
    child.die("mount", op.destination.c_str(), reason);
  }
  const int mount = static_cast<int>(
      child.must(::fsmount(context, FSMOUNT_CLOEXEC, static_cast<unsigned>(op.copy_up ? 0 : op.attributes)), "mount",
                 op.destination.c_str()));
  ::close(context);
  return mount;
}

// "mode=1777" as the directory `target` has it.
struct ModeOption {
  char text[16] = "mode=";
  void take(const ChildContext& child, int target, const char* shown) {
    struct stat info {};
    child.must(::fstat(target, &info), "stat", shown);
    char* at = text + 5;
    for (int shift = 9; shift >= 0; shift -= 3) *at++ = static_cast<char>('0' + (info.st_mode >> shift & 7U));
  }
};

bool sets_mode(const MountFilesystem& op) {
  for (const auto& option : op.options) {
    if (option.starts_with("mode=")) return true;
  }
  return false;
}

// The next mount that the launcher has made; -1: it may not make that one.
int take_tree(ChildContext& child, const char* shown) {
  if (child.trees.empty()) child.die("the launcher has made no mount of", shown, EBADF);
  const int tree = child.trees.front();
  child.trees = child.trees.subspan(1);
  return tree;
}

// Opens a detached copy of the mount at the operation's source. `by_launcher`: whether the launcher has made it.
int clone_tree(ChildContext& child, const BindMount& op, bool& by_launcher) {
  by_launcher = op.copier != MountCopier::child;
  if (by_launcher) {
    const int tree = take_tree(child, op.source.c_str());
    if (tree >= 0) return tree;
    by_launcher = false;
  }
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (op.recursive ? AT_RECURSIVE : 0U);
  if (op.sub_path.empty()) {
    return static_cast<int>(child.must(::open_tree(AT_FDCWD, op.source.c_str(), flags), "bind", op.source.c_str()));
  }
  const int volume = static_cast<int>(
      child.must(::open(op.source.c_str(), O_PATH | O_CLOEXEC | O_DIRECTORY), "open volume", op.source.c_str()));
  const int inside = open_sub_path(volume, op.sub_path.c_str());
  if (inside < 0) child.die("open subPath", op.sub_path.c_str());
  const int tree =
      static_cast<int>(child.must(::open_tree(inside, "", flags | AT_EMPTY_PATH), "bind", op.sub_path.c_str()));
  ::close(inside);
  ::close(volume);
  return tree;
}

// The file that masks must be the real null device, not a file that an image put there (CVE-2025-31133).
int open_null_device(const ChildContext& child) {
  const int fd = ::open("/dev/null", O_PATH | O_CLOEXEC | O_NOFOLLOW);
  struct stat info {};
  if (fd < 0 || ::fstat(fd, &info) != 0) child.die("open /dev/null");
  if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3))
    child.die("/dev/null is not the null device", "", EINVAL);
  return fd;
}

}  // namespace

void attach(const ChildContext& child, int mount, int target, const char* shown) {
  child.must(::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), "mount on", shown);
}

void execute(ChildContext& child, const MakeMountsPrivate& op) {
  child.must(::mount(nullptr, "/", nullptr, MS_REC | (op.receive ? MS_SLAVE : MS_PRIVATE), nullptr),
             "make mounts private");
}

void execute(ChildContext& child, const MountRoot& op) {
  const char* target = op.target.c_str();
  if (op.prepared) {
    // Onto the root of this namespace: the child may not search the directories that lead to the target. Paths still
    // begin below it, at the old root, until the pivot.
    child.root = take_tree(child, target);
    child.must(::move_mount(child.root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), "mount root", target);
    set_attributes(child, child.root, op.attributes, 0, false, target);
    return;
  }
  if (op.overlay_dir.empty()) {
    const int tree = static_cast<int>(child.must(
        ::open_tree(AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE), "open root", target));
    if (!is_directory(tree)) child.die("root is not a directory:", target, ENOTDIR);
    set_propagation(child, tree, MS_PRIVATE | MS_REC, target);
    child.must(::move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), "mount root", target);
    ::close(tree);
  } else {
    child.must(::chdir(op.overlay_dir.c_str()), "change directory to", op.overlay_dir.c_str());
    child.must(::mount("overlay", target, "overlay", 0, op.overlay_options.c_str()), "mount overlay", target);
    child.must(::chdir("/"), "change directory to /");
  }
  child.root = static_cast<int>(child.must(::open(target, O_PATH | O_DIRECTORY | O_CLOEXEC), "open root", target));
  set_attributes(child, child.root, op.attributes, 0, false, target);
}

void execute(ChildContext& child, const MountFilesystem& op) {
  const char* const path = op.destination.c_str();
  // Without a mode of its own a tmpfs has that of the directory that it covers: /tmp stays usable for all users.
  int target = -1;
  ModeOption mode;
  if (op.type == "tmpfs" && !op.copy_up && !sets_mode(op)) {
    target = open_inside(child.root, path, O_PATH | O_DIRECTORY, op.no_links ? RESOLVE_NO_SYMLINKS : 0);
    if (target >= 0) mode.take(child, target, path);
  }
  const int mount = new_filesystem(child, op, target >= 0 ? mode.text : nullptr);
  if (mount < 0) return;
  const int from = op.copy_up ? open_inside(child.root, path, O_RDONLY | O_DIRECTORY) : -1;
  if (target < 0) target = open_target(child, path, {.as_file = false, .no_links = op.no_links});
  if (op.copy_up) {
    // When the image lacks the directory, there is nothing to copy.
    if (from >= 0) copy_tree(child, from, mount, !sets_mode(op), path);
    ::close(from);
    // After the copy: nothing can be copied into a read-only mount.
    set_attributes(child, mount, op.attributes, 0, false, path);
  }
  attach(child, mount, target, path);
  set_propagation(child, mount, op.propagation, path);
  ::close(target);
  if (op.type == "proc" && child.proc < 0) {
    child.proc = mount;
  } else {
    ::close(mount);
  }
}

void execute(ChildContext& child, const BindMount& op) {
  const char* const path = op.destination.c_str();
  bool by_launcher = false;
  const int tree = clone_tree(child, op, by_launcher);
  // The launcher has cleared what is to be cleared.
  set_attributes(child, tree, op.attributes, by_launcher ? 0 : op.cleared, op.recursive, path);
  set_attributes(child, tree, op.top_attributes, by_launcher ? 0 : op.top_cleared, false, path);
  const bool directory = is_directory(tree);
  const int target = open_target(child, path, {.as_file = !directory, .no_links = op.no_links});
  if (directory != is_directory(target)) {
    child.die(directory ? "the source is a directory, and a file is at" : "the source is a file, and a directory is at",
              path, directory ? ENOTDIR : EISDIR);
  }
  attach(child, tree, target, path);
  set_propagation(child, tree, op.propagation, path);
  ::close(target);
  ::close(tree);
}

void execute(ChildContext& child, const MaskPath& op) {
  const int target = open_inside(child.root, op.path.c_str(), O_PATH);
  if (target < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    child.die("mask", op.path.c_str());
  }
  if (is_directory(target)) {
    const MountFilesystem empty{
        .type = "tmpfs", .source = {}, .destination = op.path, .options = {}, .attributes = MOUNT_ATTR_RDONLY};
    const int mount = new_filesystem(child, empty, nullptr);
    attach(child, mount, target, op.path.c_str());
    ::close(mount);
  } else {
    const int null_device = open_null_device(child);
    const int tree = static_cast<int>(child.must(
        ::open_tree(null_device, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH), "bind /dev/null"));
    attach(child, tree, target, op.path.c_str());
    ::close(tree);
    ::close(null_device);
  }
  ::close(target);
}

void execute(ChildContext& child, const MakePathReadOnly& op) {
  struct mount_attr read_only {};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  if (op.path == "/") {
    child.must(::mount_setattr(child.root, "", AT_EMPTY_PATH, &read_only, sizeof read_only), "make the root read-only");
    return;
  }
  const int target = open_inside(child.root, op.path.c_str(), O_PATH);
  if (target < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    child.die("make read-only", op.path.c_str());
  }
  const int tree = static_cast<int>(
      child.must(::open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE), "bind",
                 op.path.c_str()));
  child.must(::mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &read_only, sizeof read_only), "make read-only",
             op.path.c_str());
  attach(child, tree, target, op.path.c_str());
  ::close(tree);
  ::close(target);
}

void execute(ChildContext& child, const ChangeMount& op) {
  const int target = open_inside(child.root, op.path.c_str(), O_PATH);
  child.must(target, "open", op.path.c_str());
  std::uint64_t cleared = op.cleared;
  // As mount(2) has it: a remount that does not ask for read-only makes the mount writable.
  if ((op.attributes & MOUNT_ATTR_RDONLY) == 0) cleared |= MOUNT_ATTR_RDONLY;
  child.must(change_attributes(target, op.attributes, cleared, op.recursive), "change the mount at", op.path.c_str());
  ::close(target);
}

}  // namespace mete::runtime::process
