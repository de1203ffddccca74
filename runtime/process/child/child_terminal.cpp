// SPDX-License-Identifier: Apache-2.0
// The terminal comes from the container's own devpts, so that it has a name there. All steps use descriptors
// (TIOCGPTPEER): a /dev/pts or /dev/console of the image cannot redirect them (CVE-2025-52565, CVE-2026-41579).
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/process/child/child_context.h"

namespace mete::runtime::process {
namespace {

int open_multiplexer(const ChildContext& child) {
  struct open_how how {};
  how.flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  const int root = child.root >= 0
                       ? child.root
                       : static_cast<int>(child.must(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open /"));
  const int master = static_cast<int>(
      child.must(::syscall(SYS_openat2, root, "dev/pts/ptmx", &how, sizeof how), "open", "/dev/pts/ptmx"));
  if (root != child.root) ::close(root);
  struct statfs system {};
  struct stat node {};
  child.must(::fstatfs(master, &system), "stat", "/dev/pts/ptmx");
  child.must(::fstat(master, &node), "stat", "/dev/pts/ptmx");
  if (system.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(node.st_mode) || node.st_rdev != makedev(5, 2)) {
    child.die("/dev/pts/ptmx is not that of a devpts", "", EINVAL);
  }
  return master;
}

void mount_console(const ChildContext& child, int terminal) {
  const char* const path = "/dev/console";
  const int tree = static_cast<int>(
      child.must(::open_tree(terminal, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH), "bind", path));
  const int target = open_target(child, path, {.as_file = true});
  struct stat info {};
  child.must(::fstat(target, &info), "stat", path);
  // The image may have a regular file or a device here; the open follows no link out of the root.
  if (S_ISDIR(info.st_mode)) child.die("found a directory at", path, EISDIR);
  attach(child, tree, target, path);
  ::close(target);
  ::close(tree);
}

}  // namespace

void execute(ChildContext& child, const OpenTerminal& op) {
  const int master = open_multiplexer(child);
  int locked = 0;
  child.must(::ioctl(master, TIOCSPTLCK, &locked), "unlock the terminal");
  child.terminal =
      static_cast<int>(child.must(::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC), "open the terminal"));
  if (op.rows != 0 || op.columns != 0) {
    struct winsize size {};
    size.ws_row = op.rows;
    size.ws_col = op.columns;
    child.must(::ioctl(child.terminal, TIOCSWINSZ, &size), "set the size of the terminal");
  }
  if (op.console) mount_console(child, child.terminal);
  child.tell(kTerminal, master);
  ::close(master);
}

}  // namespace mete::runtime::process
