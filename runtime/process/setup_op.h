// SPDX-License-Identifier: Apache-2.0
// The operations that turn a fresh clone into a container, as data: they can be printed, compared in a test, written
// to a file for the shim, and are executed in order by the child (child.h). Each lists its fields once, for wire.h.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "runtime/process/launch_spec.h"

namespace mete::runtime::process {

// Waits until the parent has written uid_map and gid_map, then becomes root in the new user namespace.
struct AwaitIdMappings {
  static constexpr const char* kName = "wait for the user namespace's mappings";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const AwaitIdMappings&) const = default;
};

// Namespaces that the child makes itself (CLONE_NEW*): those that are to belong to a user namespace whose mappings were
// not there yet at the clone, and the one that takes long.
struct Unshare {
  static constexpr const char* kName = "make namespaces";
  std::uint64_t flags = 0;
  template <class Archive>
  void fields(Archive& archive) {
    archive(flags);
  }
  bool operator==(const Unshare&) const = default;
};

struct JoinNamespace {
  static constexpr const char* kName = "join namespace";
  NamespaceKind kind{};
  std::string path;
  template <class Archive>
  void fields(Archive& archive) {
    archive(kind, path);
  }
  bool operator==(const JoinNamespace&) const = default;
};

struct SetHostname {
  static constexpr const char* kName = "set host name";
  std::string name;
  std::string domain;  // empty: left alone
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

// Nothing mounted from here on reaches the host, and nothing the host mounts later comes in (but with `receive`).
struct MakeMountsPrivate {
  static constexpr const char* kName = "make mounts private";
  bool receive = false;
  template <class Archive>
  void fields(Archive& archive) {
    archive(receive);
  }
  bool operator==(const MakeMountsPrivate&) const = default;
};

struct MountRoot {
  static constexpr const char* kName = "mount root";
  std::string target;
  std::string overlay_dir;      // working directory for the relative lower paths; empty: bind `target` to itself
  std::string overlay_options;  // lowerdir=...,upperdir=...,workdir=...
  std::uint64_t attributes = 0;
  template <class Archive>
  void fields(Archive& archive) {
    archive(target, overlay_dir, overlay_options, attributes);
  }
  bool operator==(const MountRoot&) const = default;
};

struct MountFilesystem {
  static constexpr const char* kName = "mount";
  std::string type;
  std::string source;
  std::string destination;
  std::vector<std::string> options;  // "key=value" or "flag"
  std::uint64_t attributes = 0;
  std::uint64_t propagation = 0;
  bool optional = false;
  bool copy_up = false;
  template <class Archive>
  void fields(Archive& archive) {
    archive(type, source, destination, options, attributes, propagation, optional, copy_up);
  }
  bool operator==(const MountFilesystem&) const = default;
};

struct BindMount {
  static constexpr const char* kName = "bind";
  std::string source;
  std::string sub_path;
  std::string destination;
  std::uint64_t attributes = 0;
  std::uint64_t top_attributes = 0;
  std::uint64_t propagation = 0;
  bool recursive = false;
  // The launcher makes the copy of `source` before the clone: for what the child has no right to (id_map), or would
  // lose with its own mount namespace (a shared mount's peers).
  bool by_launcher = false;
  IdMap id_map;
  template <class Archive>
  void fields(Archive& archive) {
    archive(source, sub_path, destination, attributes, top_attributes, propagation, recursive, by_launcher, id_map);
  }
  bool operator==(const BindMount&) const = default;
};

// Attributes of what is mounted at `path` already.
struct ChangeMount {
  static constexpr const char* kName = "change the mount";
  std::string path;
  std::uint64_t attributes = 0;
  bool recursive = false;
  template <class Archive>
  void fields(Archive& archive) {
    archive(path, attributes, recursive);
  }
  bool operator==(const ChangeMount&) const = default;
};

// Of the root, when it is one: as long as anything is mounted below a shared root, the host would see it.
struct SetRootPropagation {
  static constexpr const char* kName = "set the root's propagation";
  std::uint64_t propagation = 0;
  template <class Archive>
  void fields(Archive& archive) {
    archive(propagation);
  }
  bool operator==(const SetRootPropagation&) const = default;
};

// A pseudo-terminal from the container's devpts; its other end goes to the launcher.
struct OpenTerminal {
  static constexpr const char* kName = "open a terminal";
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  bool console = false;  // is mounted on /dev/console, too
  template <class Archive>
  void fields(Archive& archive) {
    archive(rows, columns, console);
  }
  bool operator==(const OpenTerminal&) const = default;
};

// Lets the launcher do something (hooks) while nothing of the image has run.
struct AwaitHooks {
  static constexpr const char* kName = "wait for the hooks";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const AwaitHooks&) const = default;
};

// AppArmor's file of ourselves (/proc/self/attr/apparmor/exec) of the host's procfs: the container's could be anything
// by the time it is written (CVE-2019-16884).
struct OpenProfile {
  static constexpr const char* kName = "open the AppArmor attribute";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const OpenProfile&) const = default;
};

// See Tuning. In the cgroups already, so that their cpuset and real-time bandwidth count; still with all rights.
struct Tune {
  static constexpr const char* kName = "set the scheduling";
  Tuning tuning;
  template <class Archive>
  void fields(Archive& archive) {
    archive(tuning);
  }
  bool operator==(const Tune&) const = default;
};

// CPU affinity before the cgroups are entered.
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

// Enters the cgroups (cgroup_entry.h). All that comes before is not charged to them.
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

// A file is covered with /dev/null, a directory with an empty read-only tmpfs. A missing path is fine.
struct MaskPath {
  static constexpr const char* kName = "mask";
  std::string path;
  template <class Archive>
  void fields(Archive& archive) {
    archive(path);
  }
  bool operator==(const MaskPath&) const = default;
};

struct MakePathReadOnly {
  static constexpr const char* kName = "make read-only";
  std::string path;  // "/" is the root mount itself
  template <class Archive>
  void fields(Archive& archive) {
    archive(path);
  }
  bool operator==(const MakePathReadOnly&) const = default;
};

struct PivotRoot {
  static constexpr const char* kName = "pivot root";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const PivotRoot&) const = default;
};

// Where the root is the kernel's first file system, which cannot be exchanged (an initramfs): the container's is moved
// on top of it. Weaker than a pivot: with CAP_SYS_ADMIN what lies below can be uncovered.
struct MoveRoot {
  static constexpr const char* kName = "move root";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const MoveRoot&) const = default;
};

// In a mount namespace that others are in, whose root may not be changed.
struct EnterRoot {
  static constexpr const char* kName = "enter root";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const EnterRoot&) const = default;
};

// A session keyring of the container's own, made when there is none of that name.
struct JoinKeyring {
  static constexpr const char* kName = "join session keyring";
  std::string name;
  template <class Archive>
  void fields(Archive& archive) {
    archive(name);
  }
  bool operator==(const JoinKeyring&) const = default;
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

using SetupOp =
    std::variant<AwaitIdMappings, JoinNamespace, SetHostname, LoopbackUp, MakeMountsPrivate, MountRoot, MountFilesystem,
                 BindMount, MakeDevice, MakeSymlink, AwaitCgroups, NewCgroupNamespace, WriteSysctl, MaskPath,
                 MakePathReadOnly, PivotRoot, ChangeDirectory, ChangeMount, SetRootPropagation, OpenTerminal,
                 AwaitHooks, Tune, SetAffinity, OpenProfile, EnterRoot, JoinKeyring, Unshare, MoveRoot>;

// What the child becomes when the operations are done.
enum class Final : std::uint8_t {
  exec,   // execve of args
  init,   // a reaping pid 1 whose child execs args
  pause,  // a pod's sandbox: holds the namespaces and reaps
};

struct Plan {
  std::uint64_t clone_flags = 0;    // CLONE_NEW*, for clone3
  std::string join_pid_namespace;   // entered by the parent, because it takes effect at the next clone
  std::string join_user_namespace;  // entered by an intermediate process, so that what is cloned belongs to it
  bool new_time_namespace = false;
  std::string time_offsets;  // text for /proc/self/timens_offsets
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  CgroupJoin cgroup;
  std::vector<SetupOp> ops;
  Identity identity;
  Tuning tuning;  // for what enters the container later; the container's own part of it is an operation
  Final final = Final::exec;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string file;  // what is executed; empty: args[0], looked for in PATH
  bool has_oom_score_adj = false;
  std::int64_t oom_score_adj = 0;

  template <class Archive>
  void fields(Archive& archive) {
    archive(clone_flags, join_pid_namespace, join_user_namespace, new_time_namespace, time_offsets, uid_mappings,
            gid_mappings, cgroup, ops, identity, tuning, final, args, env, file, has_oom_score_adj, oom_score_adj);
  }
  bool operator==(const Plan&) const = default;
};

}  // namespace mete::runtime::process
