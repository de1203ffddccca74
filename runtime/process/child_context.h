// SPDX-License-Identifier: Apache-2.0
// What the files of the child's side share. Not for use outside runtime/process.
#pragma once

#include <span>

#include "runtime/process/child.h"
#include "runtime/process/setup_op.h"

namespace mete::runtime::process {

class ChildContext {
 public:
  explicit ChildContext(int control) : control_(control) {}

  // Sends the report and exits; `tried` and `object` are put together into its detail.
  [[noreturn]] void die(const char* tried, const char* object = "", int error = 0) const;
  // die() when `result` is negative; else the result.
  long must(long result, const char* tried, const char* object = "") const {
    if (result < 0) die(tried, object);
    return result;
  }
  // Waits for one word of the parent. The parent's death ends the child.
  void await(char word) const;

  // One word to the parent, with a descriptor when `fd` is one.
  void tell(char word, int fd = -1) const;
  // Where seccomp lets only write() through: the parent fetches the descriptor itself.
  void tell_number(char word, int fd) const;

  std::span<const int> trees;  // see ChildFds; of the operation at hand, taken one by one
  std::int32_t operation = 0;
  int root = -1;      // the container's root directory, from MountRoot until PivotRoot
  int profile = -1;   // AppArmor's attribute, from OpenProfile on
  int terminal = -1;  // the process's side of it, from OpenTerminal on
  int control() const { return control_; }

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
void execute(ChildContext& child, const PivotRoot& op);
void execute(ChildContext& child, const EnterRoot& op);
void execute(ChildContext& child, const MoveRoot& op);
void execute(ChildContext& child, const ChangeMount& op);
void execute(ChildContext& child, const SetRootPropagation& op);
// A detached mount onto a descriptor of its target; `shown` is for the error.
void attach(const ChildContext& child, int mount, int target, const char* shown);

// child_files.cpp
void execute(ChildContext& child, const MakeDevice& op);
void execute(ChildContext& child, const MakeSymlink& op);
void execute(ChildContext& child, const WriteSysctl& op);
void execute(ChildContext& child, const ChangeDirectory& op);
// Opens (O_PATH) a path inside the root; missing directories, or a file when `as_file`, are made. Never leaves the
// root.
int open_target(const ChildContext& child, const char* path, bool as_file);
// The same without making anything; -1 with errno when it is not there.
int open_inside(int root, const char* path, std::uint64_t flags);

// child_copy.cpp: what is in `from` (open for reading) into `to`, with owners, modes and times; other mounts below are
// not entered. `with_top`: `to` itself gets those of `from`, too.
void copy_tree(const ChildContext& child, int from, int to, bool with_top, const char* shown);

// child_terminal.cpp
void execute(ChildContext& child, const OpenTerminal& op);

// child_tuning.cpp
void execute(ChildContext& child, const Tune& op);
void execute(ChildContext& child, const SetAffinity& op);

// child_namespaces.cpp
void execute(ChildContext& child, const AwaitIdMappings& op);
void execute(ChildContext& child, const Unshare& op);
void execute(ChildContext& child, const JoinNamespace& op);
void execute(ChildContext& child, const SetHostname& op);
void execute(ChildContext& child, const LoopbackUp& op);
void execute(ChildContext& child, const AwaitCgroups& op);
void execute(ChildContext& child, const NewCgroupNamespace& op);
void execute(ChildContext& child, const AwaitHooks& op);

// child_identity.cpp
void execute(ChildContext& child, const OpenProfile& op);
void execute(ChildContext& child, const JoinKeyring& op);
// rlimits, user and groups, capabilities, no_new_privs, seccomp; in the order they allow.
void become(const ChildContext& child, const Identity& identity);

// child_init.cpp
// Forwards signals to `command` and reaps everything until it ends; returns its wait status. 0: reaps for ever.
[[noreturn]] void run_init(int command);

}  // namespace mete::runtime::process
