// SPDX-License-Identifier: Apache-2.0
// A container's process as plain data: the file systems and namespaces that it sees, and its rights. The structs know
// neither Pods (the agent) nor config.json (mete-oci): both are translated into a LaunchSpec. make_plan() turns a
// LaunchSpec into set-up operations.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mete::runtime::process {

enum class NamespaceKind : std::uint8_t { mount, pid, network, ipc, uts, cgroup, user, time };

// CLONE_NEWTIME of <linux/sched.h>, which cannot be included beside <sched.h>.
inline constexpr int kCloneNewTime = 0x80;

struct NamespaceUse {
  NamespaceKind kind;
  std::string path;  // an existing namespace to join (/proc/PID/ns/net); empty: a new one
  bool operator==(const NamespaceUse&) const = default;
};

struct IdMapping {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
  bool operator==(const IdMapping&) const = default;
};

// How a mount shows the owners of its files (mount_setattr(2), MOUNT_ATTR_IDMAP): `inside` is the id in the file
// system, `outside` the id that is seen. empty(): owners are shown unchanged.
struct IdMap {
  std::vector<IdMapping> uids;
  std::vector<IdMapping> gids;
  std::string user_namespace;  // path of an existing user namespace, whose mappings are used in place of the lists
  bool recursive = false;
  [[nodiscard]] bool empty() const { return uids.empty() && gids.empty() && user_namespace.empty(); }
  bool operator==(const IdMap&) const = default;
};

// One stack of layers. It is mounted inside the container's own mount namespace and so disappears with the container.
struct OverlayRoot {
  std::string layers_dir;           // `lowers` are relative to it, because overlay's option text is limited to a page
  std::vector<std::string> lowers;  // topmost first
  std::string upper;
  std::string work;
  // How the owners in the layers are seen. Not empty: the launcher mounts the overlay, because only it may map owners
  // and go where the layers are, and the child takes it over.
  IdMap owners;
  bool operator==(const OverlayRoot&) const = default;
};

struct MountSpec {
  std::string destination;  // absolute, inside the container; missing directories are made
  std::string type;         // file system type; "bind" for binds
  std::string source;
  std::string sub_path;              // bind only: below `source`, resolved without leaving it; made when missing
  std::string data;                  // comma-separated file system options
  std::uint64_t attributes = 0;      // MOUNT_ATTR_*; with `recursive`, of all mounts below, too
  std::uint64_t top_attributes = 0;  // of the topmost mount only (OCI's "ro" of an rbind; "rro" is for all)
  std::uint64_t cleared = 0;         // binds and remounts: attributes that are taken from the mount, where it has them
  std::uint64_t top_cleared = 0;     // the same, of the topmost mount only
  bool recursive = false;            // bind only
  std::uint64_t propagation = 0;     // MS_SHARED, MS_SLAVE, ... of the new mount; 0: private
  bool optional = false;             // a file system that this kernel lacks is skipped
  bool remount = false;              // mounts nothing: changes the attributes of the mount at `destination`
  bool copy_up = false;              // tmpfs only: starts as a copy of what the image has at `destination`
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
  // SECCOMP_FILTER_FLAG_*; with NEW_LISTENER the launcher takes the listener's descriptor.
  std::uint32_t seccomp_flags = 0;
  std::vector<ResourceLimit> rlimits;
  std::string apparmor_profile;  // profile that the command is executed under; empty: the caller's
  bool operator==(const Identity&) const = default;
};

// sched_setattr(2). Fields that `policy` does not use are 0.
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
  std::vector<std::uint64_t> nodes;  // bit n of the whole list is node n
  bool operator==(const MemoryPolicy&) const = default;
};

// How the kernel treats the process, apart from its rights.
struct Tuning {
  std::optional<Scheduling> scheduling;
  std::optional<std::int32_t> io_priority;   // ioprio_set(2)
  std::optional<std::uint64_t> personality;  // personality(2)
  std::optional<MemoryPolicy> memory_policy;
  // sched_setaffinity(2): bit n of the whole list is CPU n; empty: not changed. A process that enters a running
  // container gets `first_cpus` before it enters the cgroups and `cpus` after that.
  std::vector<std::uint64_t> first_cpus;
  std::vector<std::uint64_t> cpus;
  bool operator==(const Tuning&) const = default;
};

// The standard streams and /dev/console become a pseudo-terminal of the container's own devpts.
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

// The cgroups that the process is in before anything of the image runs. The launcher chooses how the process enters
// them (cgroup_entry.h).
struct CgroupJoin {
  std::vector<std::string> procs_files;  // v1: absolute paths of cgroup.procs
  std::string v2_directory;              // v2, or the twin on hybrid: the clone starts in it
  bool operator==(const CgroupJoin&) const = default;
};

struct LaunchSpec {
  std::vector<NamespaceUse> namespaces;
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  // The owner that the standard streams get, as the launcher sees it. In a user namespace the child cannot give them
  // away; empty: they are the child's to give.
  std::optional<std::uint32_t> stdio_owner;
  std::optional<TimeOffset> monotonic_offset;
  std::optional<TimeOffset> boottime_offset;
  CgroupJoin cgroup;

  std::string rootfs;                  // a directory; with `overlay` the empty directory that the overlay is mounted on
  std::optional<OverlayRoot> overlay;  // empty: `rootfs` is bound to itself
  bool read_only_root = false;
  bool move_root = false;                // use MoveRoot instead of PivotRoot
  std::uint64_t root_attributes = 0;     // MOUNT_ATTR_* of the root mount
  std::uint64_t root_propagation = 0;    // MS_SLAVE, ... of the root mount, set after all mounts are made; 0: private
  bool receive_host_mounts = false;      // host mounts become slaves, not private: later mounts of the host appear
  std::vector<MountSpec> mounts;         // made in this order
  std::vector<MountSpec> cgroup_mounts;  // made after the cgroup namespace, so that they show its root as "/"
  std::vector<DeviceSpec> devices;
  std::vector<std::string> masked_paths;
  std::vector<std::string> read_only_paths;
  std::map<std::string, std::string> sysctls;  // "net.ipv4.ip_forward" -> "1"
  std::string hostname;
  std::string domainname;
  // Name of a new session keyring (keyctl(2)); empty: the process keeps the caller's keyring.
  std::string session_keyring;

  std::vector<std::string> args;
  std::vector<std::string> env;  // NAME=value
  std::string cwd = "/";         // made when missing, as all runtimes do
  Identity identity;
  Tuning tuning;
  std::optional<TerminalSpec> terminal;
  // The launcher calls LaunchOptions::hooks when all mounts are made and before the root changes.
  bool hooks = false;
  std::optional<int> oom_score_adj;
  bool init = false;  // pid 1 is mete's own: it forwards signals and reaps; the command is its child
};

}  // namespace mete::runtime::process
