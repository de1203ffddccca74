// SPDX-License-Identifier: Apache-2.0
// What a container's process shall see and be, as plain data: independent of Pods (the agent) and of config.json
// (mete-oci), both of which are translated into it. make_plan() turns it into set-up operations.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mete::runtime::process {

enum class NamespaceKind : std::uint8_t { mount, pid, network, ipc, uts, cgroup, user, time };

struct NamespaceUse {
  NamespaceKind kind;
  std::string path;  // of an existing one to join (/proc/PID/ns/net); empty: a new one
  bool operator==(const NamespaceUse&) const = default;
};

// One layer stack, mounted inside the container's own mount namespace, so that it is gone with the container.
struct OverlayRoot {
  std::string layers_dir;           // lowers are relative to it: overlay's option text is limited to a page
  std::vector<std::string> lowers;  // topmost first
  std::string upper;
  std::string work;
  bool operator==(const OverlayRoot&) const = default;
};

struct IdMapping {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
  bool operator==(const IdMapping&) const = default;
};

// Owners as a mount shows them (mount_setattr(2), MOUNT_ATTR_IDMAP): `inside` is what the file system holds, `outside`
// what is seen. Both lists empty: as they are.
struct IdMap {
  std::vector<IdMapping> uids;
  std::vector<IdMapping> gids;
  bool recursive = false;
  bool operator==(const IdMap&) const = default;
};

struct MountSpec {
  std::string destination;  // absolute, inside the container; missing directories are made
  std::string type;         // file system type; "bind" for binds
  std::string source;
  std::string sub_path;              // bind only: below `source`, resolved without leaving it; made when missing
  std::string data;                  // comma-separated file system options
  std::uint64_t attributes = 0;      // MOUNT_ATTR_*; of a recursive bind: of all its mounts
  std::uint64_t top_attributes = 0;  // of the topmost mount alone (OCI's "ro" of an rbind, where "rro" is for all)
  bool recursive = false;            // bind only
  std::uint64_t propagation = 0;     // MS_SHARED, MS_SLAVE, ... of the new mount; 0: private
  bool optional = false;             // a file system that this kernel lacks is left out
  bool remount = false;              // nothing is mounted: the attributes of what is mounted at `destination` change
  bool copy_up = false;              // tmpfs only: begins with what the image has at `destination`
  IdMap id_map;
  bool operator==(const MountSpec&) const = default;
};

struct DeviceSpec {
  std::string path;                 // inside the container
  std::uint32_t type_and_mode = 0;  // S_IFCHR | 0666
  std::uint64_t device = 0;         // makedev(major, minor)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool operator==(const DeviceSpec&) const = default;
};

// Bit n is capability n of <linux/capability.h>.
struct CapabilitySets {
  std::uint64_t bounding = 0;
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t ambient = 0;
  bool operator==(const CapabilitySets&) const = default;
};

struct ResourceLimit {
  int resource = 0;  // RLIMIT_*
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
  bool operator==(const ResourceLimit&) const = default;
};

struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> additional_gids;
  std::optional<std::uint32_t> umask;
  CapabilitySets capabilities;
  bool no_new_privileges = false;
  // A compiled BPF program (an array of sock_filter); empty: no filter.
  std::string seccomp_filter;
  std::uint32_t seccomp_flags = 0;  // SECCOMP_FILTER_FLAG_*; with NEW_LISTENER the launcher takes its descriptor
  std::vector<ResourceLimit> rlimits;
  std::string apparmor_profile;  // that the command is executed under; empty: as we are
  bool operator==(const Identity&) const = default;
};

// sched_setattr(2). What the policy does not use is 0.
struct Scheduling {
  std::uint32_t policy = 0;  // SCHED_*
  std::uint64_t flags = 0;   // SCHED_FLAG_*
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // ns, SCHED_DEADLINE
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
  bool operator==(const Scheduling&) const = default;
};

// set_mempolicy(2).
struct MemoryPolicy {
  std::int32_t mode = 0;             // MPOL_* with MPOL_F_*
  std::vector<std::uint64_t> nodes;  // bit n of the whole is node n
  bool operator==(const MemoryPolicy&) const = default;
};

// How the kernel is to treat the process, apart from its rights.
struct Tuning {
  std::optional<Scheduling> scheduling;
  std::optional<std::int32_t> io_priority;   // ioprio_set(2)
  std::optional<std::uint64_t> personality;  // personality(2)
  std::optional<MemoryPolicy> memory_policy;
  // sched_setaffinity(2), bit n of the whole is CPU n; empty: left alone. For `exec`: before it enters the cgroups, and
  // after.
  std::vector<std::uint64_t> first_cpus;
  std::vector<std::uint64_t> cpus;
  bool operator==(const Tuning&) const = default;
};

// A pseudo-terminal of the container's own devpts as its standard streams and /dev/console.
struct TerminalSpec {
  std::uint16_t rows = 0;  // 0: the kernel's default
  std::uint16_t columns = 0;
  bool operator==(const TerminalSpec&) const = default;
};

struct TimeOffset {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  bool operator==(const TimeOffset&) const = default;
};

// Which cgroups the process shall be in before it runs anything of the image. How it gets there is the launcher's
// business (cgroup_entry.h).
struct CgroupJoin {
  std::vector<std::string> procs_files;  // v1: absolute paths of cgroup.procs
  std::string v2_directory;              // v2, or the twin on hybrid: cloned straight into it
  bool operator==(const CgroupJoin&) const = default;
};

struct LaunchSpec {
  std::vector<NamespaceUse> namespaces;
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  std::optional<TimeOffset> monotonic_offset;
  std::optional<TimeOffset> boottime_offset;
  CgroupJoin cgroup;

  std::string rootfs;                  // directory; with `overlay` the empty one it is mounted on
  std::optional<OverlayRoot> overlay;  // else `rootfs` is bound to itself
  bool read_only_root = false;
  bool move_root = false;              // instead of pivot_root: see MoveRoot
  std::uint64_t root_attributes = 0;   // MOUNT_ATTR_* for the root mount
  std::uint64_t root_propagation = 0;  // MS_SLAVE, ... of the root mount, set when all is mounted; 0: private
  bool receive_host_mounts = false;    // the host's mounts are made slaves, not private: what it mounts later comes in
  std::vector<MountSpec> mounts;       // in this order
  std::vector<MountSpec> cgroup_mounts;  // after the cgroup namespace is made, so that they show its root as "/"
  std::vector<DeviceSpec> devices;
  std::vector<std::string> masked_paths;
  std::vector<std::string> read_only_paths;
  std::map<std::string, std::string> sysctls;  // "net.ipv4.ip_forward" -> "1"
  std::string hostname;
  std::string domainname;
  std::string session_keyring;  // its name (keyctl(2)); empty: the keys of whoever launches stay within reach

  std::vector<std::string> args;
  std::vector<std::string> env;  // NAME=value
  std::string cwd = "/";         // made when missing, as all runtimes do
  Identity identity;
  Tuning tuning;
  std::optional<TerminalSpec> terminal;
  bool hooks =
      false;  // the launcher does something (LaunchOptions::hooks) when all is mounted and before the root changes
  std::optional<int> oom_score_adj;
  bool init = false;  // a pid 1 of ours that forwards signals and reaps, with the command as its child
};

}  // namespace mete::runtime::process
