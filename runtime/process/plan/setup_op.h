// SPDX-License-Identifier: Apache-2.0
// The operations that turn a fresh clone into a container, as data: they can be printed, compared in a test and written
// to a file for the shim. The child executes them in order (child.h). Each operation lists its fields once, for wire.h.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "runtime/process/plan/launch_spec.h"
#include "runtime/process/plan/mount_op.h"

namespace mete::runtime::process {

// Waits until the parent has written uid_map and gid_map, then becomes root in the new user namespace.
struct AwaitIdMappings {
  static constexpr const char* kName = "wait for the user namespace's mappings";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const AwaitIdMappings&) const = default;
};

// Makes namespaces (CLONE_NEW*) in the child, after the clone: those that must belong to a user namespace whose
// mappings were not written at the clone, and the network namespace, which takes long.
struct Unshare {
  static constexpr const char* kName = "make namespaces";
  std::uint64_t flags = 0;
  template <class Archive>
  void fields(Archive& archive) {
    archive(flags);
  }
  bool operator==(const Unshare&) const = default;
};

// Joins existing namespaces; each path must be a file of the kernel's namespace file system, of the kind that is named
// (config-linux.md, "Namespaces"). The order follows from rights, not from the list (namespace_files.h).
struct JoinNamespaces {
  static constexpr const char* kName = "join namespace";
  std::vector<NamespaceUse> all;  // each kind at most once
  template <class Archive>
  void fields(Archive& archive) {
    archive(all);
  }
  bool operator==(const JoinNamespaces&) const = default;
};

// Joins the namespaces of the process whose pidfd the launcher has (LaunchOptions::process), all with one call; where
// the kernel refuses that, those that are not the caller's own by their files.
struct JoinProcess {
  static constexpr const char* kName = "join the container's namespaces";
  std::vector<NamespaceUse> all;  // each kind at most once; neither the user namespace nor the PID namespace
  template <class Archive>
  void fields(Archive& archive) {
    archive(all);
  }
  bool operator==(const JoinProcess&) const = default;
};

// Makes a time namespace, sets its clocks and enters it. Comes before AwaitIdMappings: until then the process may still
// write its own files in /proc, and the namespace belongs to the container's user namespace.
struct NewTimeNamespace {
  static constexpr const char* kName = "make time namespace";
  std::string offsets;  // text for /proc/self/timens_offsets; empty: the clocks of the creator
  template <class Archive>
  void fields(Archive& archive) {
    archive(offsets);
  }
  bool operator==(const NewTimeNamespace&) const = default;
};

struct SetHostname {
  static constexpr const char* kName = "set host name";
  std::string name;    // empty: not changed
  std::string domain;  // the same
  template <class Archive>
  void fields(Archive& archive) {
    archive(name, domain);
  }
  bool operator==(const SetHostname&) const = default;
};

struct LoopbackUp {
  static constexpr const char* kName = "bring up lo";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const LoopbackUp&) const = default;
};

// Opens a pseudo-terminal of the container's devpts and sends its other end to the launcher.
struct OpenTerminal {
  static constexpr const char* kName = "open a terminal";
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  bool console = false;  // the terminal is mounted on /dev/console, too
  template <class Archive>
  void fields(Archive& archive) {
    archive(rows, columns, console);
  }
  bool operator==(const OpenTerminal&) const = default;
};

// Lets the launcher run hooks before anything of the image runs.
struct AwaitHooks {
  static constexpr const char* kName = "wait for the hooks";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const AwaitHooks&) const = default;
};

// Opens the process's own AppArmor attribute (/proc/self/attr/apparmor/exec) in the host's procfs. When the attribute
// is written, the container's /proc may be something else (CVE-2019-16884).
struct OpenProfile {
  static constexpr const char* kName = "open the AppArmor attribute";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const OpenProfile&) const = default;
};

// See Tuning. Runs after the cgroups are entered, so that their cpuset and real-time bandwidth count, and before rights
// are dropped.
struct Tune {
  static constexpr const char* kName = "set the scheduling";
  Tuning tuning;
  template <class Archive>
  void fields(Archive& archive) {
    archive(tuning);
  }
  bool operator==(const Tune&) const = default;
};

// Sets the CPU affinity before the cgroups are entered.
struct SetAffinity {
  static constexpr const char* kName = "set the CPU affinity";
  std::vector<std::uint64_t> cpus;
  template <class Archive>
  void fields(Archive& archive) {
    archive(cpus);
  }
  bool operator==(const SetAffinity&) const = default;
};

struct MakeDevice {
  static constexpr const char* kName = "make device";
  std::string path;
  std::uint32_t type_and_mode = 0;
  std::uint64_t device = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  template <class Archive>
  void fields(Archive& archive) {
    archive(path, type_and_mode, device, uid, gid);
  }
  bool operator==(const MakeDevice&) const = default;
};

struct MakeSymlink {
  static constexpr const char* kName = "make link";
  std::string target;
  std::string path;
  template <class Archive>
  void fields(Archive& archive) {
    archive(target, path);
  }
  bool operator==(const MakeSymlink&) const = default;
};

// Enters the cgroups (cgroup_entry.h). What runs before this operation is not charged to them.
struct AwaitCgroups {
  static constexpr const char* kName = "wait for the cgroups";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const AwaitCgroups&) const = default;
};

struct NewCgroupNamespace {
  static constexpr const char* kName = "make cgroup namespace";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const NewCgroupNamespace&) const = default;
};

struct WriteSysctl {
  static constexpr const char* kName = "set sysctl";
  std::string path;  // below /proc/sys: net/ipv4/ip_forward
  std::string value;
  template <class Archive>
  void fields(Archive& archive) {
    archive(path, value);
  }
  bool operator==(const WriteSysctl&) const = default;
};

// Joins the session keyring `name`, which is made when it does not exist.
struct JoinKeyring {
  static constexpr const char* kName = "join session keyring";
  std::string name;
  template <class Archive>
  void fields(Archive& archive) {
    archive(name);
  }
  bool operator==(const JoinKeyring&) const = default;
};

// Makes a directory with those above it, while the root can still be written to. One that is there is not changed.
struct MakeDirectory {
  static constexpr const char* kName = "make directory";
  std::string path;
  template <class Archive>
  void fields(Archive& archive) {
    archive(path);
  }
  bool operator==(const MakeDirectory&) const = default;
};

struct ChangeDirectory {
  static constexpr const char* kName = "change directory";
  std::string path;
  template <class Archive>
  void fields(Archive& archive) {
    archive(path);
  }
  bool operator==(const ChangeDirectory&) const = default;
};

// Opens a directory as the root for the operations that follow and for EnterRoot, where nothing is mounted for it: a
// container without a mount namespace, or one more process of a container whose root is not that of its namespace.
struct OpenRoot {
  static constexpr const char* kName = "open root";
  std::string path;
  template <class Archive>
  void fields(Archive& archive) {
    archive(path);
  }
  bool operator==(const OpenRoot&) const = default;
};

// ChangeDirectory of a directory that must be there.
struct EnterDirectory {
  static constexpr const char* kName = "change directory";
  std::string path;
  template <class Archive>
  void fields(Archive& archive) {
    archive(path);
  }
  bool operator==(const EnterDirectory&) const = default;
};

// Ends with the process that has cloned it: SIGKILL, also after the exec (prctl(2), PR_SET_PDEATHSIG).
struct EndWithLauncher {
  static constexpr const char* kName = "end with the launcher";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const EndWithLauncher&) const = default;
};

using SetupOp =
    std::variant<AwaitIdMappings, JoinNamespaces, SetHostname, LoopbackUp, MakeMountsPrivate, MountRoot,
                 MountFilesystem, BindMount, MakeDevice, MakeSymlink, AwaitCgroups, NewCgroupNamespace, WriteSysctl,
                 MaskPath, MakePathReadOnly, PivotRoot, ChangeDirectory, ChangeMount, SetRootPropagation, OpenTerminal,
                 AwaitHooks, Tune, SetAffinity, OpenProfile, EnterRoot, JoinKeyring, Unshare, MoveRoot,
                 NewTimeNamespace, MakeDirectory, EnterDirectory, OpenRoot, EndWithLauncher, JoinProcess>;

// The child's act after the last operation.
enum class Final : std::uint8_t {
  exec,   // execve of args
  init,   // a reaping pid 1 whose child execs args
  pause,  // a pod's sandbox: holds the namespaces and reaps
};

struct Plan {
  std::uint64_t clone_flags = 0;    // CLONE_NEW*, for clone3
  std::string join_pid_namespace;   // the parent joins it, because setns() takes effect at the next clone
  std::string join_user_namespace;  // an intermediate process joins it, so that the cloned namespaces belong to it
  bool new_time_namespace = false;  // the intermediate process makes it; without one see NewTimeNamespace
  std::string time_offsets;         // text for /proc/self/timens_offsets
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  std::optional<std::uint32_t> stdio_owner;  // LaunchSpec's
  CgroupJoin cgroup;
  std::vector<SetupOp> ops;
  Identity identity;
  Tuning tuning;  // for processes that enter the container later; the container's own tuning is an operation
  Final final = Final::exec;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string file;  // file to execute; empty: args[0], searched in PATH
  bool has_oom_score_adj = false;
  std::int64_t oom_score_adj = 0;

  template <class Archive>
  void fields(Archive& archive) {
    archive(clone_flags, join_pid_namespace, join_user_namespace, new_time_namespace, time_offsets, uid_mappings,
            gid_mappings, stdio_owner, cgroup, ops, identity, tuning, final, args, env, file, has_oom_score_adj,
            oom_score_adj);
  }
  bool operator==(const Plan&) const = default;
};

}  // namespace mete::runtime::process
