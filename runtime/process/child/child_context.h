// SPDX-License-Identifier: Apache-2.0
// Shared by the files of the child's side. Internal to runtime/process.
#pragma once

#include <span>

#include "runtime/process/child/child.h"
#include "runtime/process/namespace_files.h"
#include "runtime/process/plan/setup_op.h"

namespace mete::runtime::process {

class ChildContext {
 public:
  explicit ChildContext(int control) : control_(control) {}

  // Sends the report and exits; the report's detail is `tried`, a space and `object`. `error` 0 stands for errno.
  [[noreturn]] void die(const char* tried, const char* object = "", int error = 0) const;
  // Calls die() when `result` is negative; otherwise returns `result`.
  long must(long result, const char* tried, const char* object = "") const {
    if (result < 0) die(tried, object);
    return result;
  }
  // Waits for one word of the parent. When the parent has died, the child exits.
  void await(char word) const;

  // Sends one word to the parent, with the descriptor `fd` unless it is negative.
  void tell(char word, int fd = -1) const;
  // Sends the number of `fd` only, for use when seccomp may allow nothing but write(): the parent fetches the
  // descriptor from the child.
  void send_descriptor_number(char word, int fd) const;

  std::span<const int>
      trees;           // see ChildFds; each BindMount with a copier but the child takes the first and removes it
  KindSet joined = 0;  // namespaces that the intermediate process has joined
  std::int32_t operation = 0;  // index into Plan::ops of the current operation
  int process = -1;            // pidfd of the process whose namespaces are joined
  int root = -1;               // the container's root directory, from MountRoot until PivotRoot
  int profile = -1;            // AppArmor's attribute file, from OpenProfile on
  int terminal = -1;           // the process's side of the terminal, from OpenTerminal on
  int proc = -1;               // the container's procfs, once one is mounted
  int control() const { return control_; }
  const SharedChild* shared = nullptr;  // see ChildFds

 private:
  int control_;
};

// child_mounts.cpp
void execute(ChildContext& child, const MakeMountsPrivate& op);
void execute(ChildContext& child, const MountRoot& op);
void execute(ChildContext& child, const MountFilesystem& op);
void execute(ChildContext& child, const BindMount& op);
void execute(ChildContext& child, const MaskPath& op);
void execute(ChildContext& child, const MakePathReadOnly& op);
void execute(ChildContext& child, const ChangeMount& op);
// Attaches the detached mount `mount` to the descriptor of its target; `shown` names the target in errors.
void attach(const ChildContext& child, int mount, int target, const char* shown);

// child_root.cpp
void execute(ChildContext& child, const PivotRoot& op);
void execute(ChildContext& child, const EnterRoot& op);
void execute(ChildContext& child, const MoveRoot& op);
void execute(ChildContext& child, const SetRootPropagation& op);

// child_files.cpp
void execute(ChildContext& child, const MakeDevice& op);
void execute(ChildContext& child, const MakeSymlink& op);
void execute(ChildContext& child, const WriteSysctl& op);
void execute(ChildContext& child, const MakeDirectory& op);
void execute(ChildContext& child, const ChangeDirectory& op);
void execute(ChildContext& child, const EnterDirectory& op);
void execute(ChildContext& child, const OpenRoot& op);
// How open_target() opens a path.
struct Target {
  bool as_file = false;   // what is missing at the end of the path is made as a file, not as a directory
  bool no_links = false;  // a symbolic link anywhere in the path is an error
};
// Opens (O_PATH) a path inside the root and never leaves the root. Makes what is missing; where the image has a
// symbolic link that leads to nothing, what it leads to is made.
int open_target(const ChildContext& child, const char* path, Target target);
// The same without making anything; -1 with errno when the path does not exist. `resolve`: more RESOLVE_* of
// openat2(2).
int open_inside(int root, const char* path, std::uint64_t flags, std::uint64_t resolve = 0);

// child_copy.cpp: copies the content of `from` (open for reading) to `to`, with owners, modes and times. Other mounts
// below `from` are not entered. With `with_top`, `to` itself gets owner, mode and times of `from`, too.
void copy_tree(const ChildContext& child, int from, int to, bool with_top, const char* shown);

// child_terminal.cpp
void execute(ChildContext& child, const OpenTerminal& op);

// child_tuning.cpp
void execute(ChildContext& child, const Tune& op);
void execute(ChildContext& child, const SetAffinity& op);

// child_namespaces.cpp
void execute(ChildContext& child, const AwaitIdMappings& op);
void execute(ChildContext& child, const Unshare& op);
void execute(ChildContext& child, const JoinNamespaces& op);
void execute(ChildContext& child, const JoinProcess& op);
void execute(ChildContext& child, const NewTimeNamespace& op);
void execute(ChildContext& child, const SetHostname& op);
void execute(ChildContext& child, const LoopbackUp& op);
void execute(ChildContext& child, const AwaitCgroups& op);
void execute(ChildContext& child, const NewCgroupNamespace& op);
void execute(ChildContext& child, const AwaitHooks& op);

// child_identity.cpp
void execute(ChildContext& child, const EndWithLauncher& op);
void execute(ChildContext& child, const OpenProfile& op);
void execute(ChildContext& child, const JoinKeyring& op);
// Sets rlimits, user and groups, capabilities, no_new_privs and seccomp. The order is dictated by the rights each step
// needs.
void become(const ChildContext& child, const Identity& identity);

// child_init.cpp
// Forwards signals to `command` and reaps all children; exits with the command's status. `command` 0: reaps for ever.
[[noreturn]] void run_init(int command);

}  // namespace mete::runtime::process
