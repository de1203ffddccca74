// SPDX-License-Identifier: Apache-2.0
// The cgroup hierarchies of this machine: found by reading, never by a build flag or a hard-coded /sys/fs/cgroup.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::cgroup {

enum class Mode {
  kV1,      // controllers on v1 only, no cgroup2 mount
  kV2,      // cgroup2 only (a named v1 hierarchy without a controller, such as name=systemd, changes nothing)
  kHybrid,  // v1 controllers and a cgroup2 mount beside them, with or without controllers of its own
};

[[nodiscard]] std::string_view to_string(Mode mode);

// A plain value; a test makes one by hand that points into a temporary directory. All paths are absolute, unescaped
// and without a '/' at their end.
struct Hierarchies {
  Mode mode = Mode::kV1;
  std::map<std::string, std::string, std::less<>> v1;  // controller ("memory") -> mount point; co-mounted ones share it
  std::map<std::string, std::string, std::less<>> named;  // v1 hierarchies by name ("systemd") -> mount point
  std::string v2_mount;                                   // empty: no cgroup2 mounted
  std::vector<std::string> v2_controllers;                // what cgroup.controllers at the mount point lists
  std::string mounts;  // their lines of mountinfo, shortened, for known_hierarchies()

  [[nodiscard]] bool on_v1(std::string_view controller) const { return v1.find(controller) != v1.end(); }
  [[nodiscard]] bool on_v2(std::string_view controller) const;
  // The mount point with the controller's files; empty: this machine does not have the controller. v1 is asked first;
  // in the kernel a controller is in one hierarchy at a time.
  [[nodiscard]] std::string_view mount_of(std::string_view controller) const;
  // The distinct v1 mount points, in the order in which a process must be written to them (cpuset first: it is the
  // one that can refuse).
  [[nodiscard]] std::vector<std::string> v1_mounts() const;
  // The same, followed by the named hierarchies. Those control nothing, but systemd finds a service's processes by
  // them: a process that stays in the service's group there ends with the service.
  [[nodiscard]] std::vector<std::string> v1_process_mounts() const;
};

// Pure: the texts of /proc/self/mountinfo and of cgroup.controllers at the cgroup2 mount point (empty when there is
// none; see v2_mount_point). Of a hierarchy that is mounted more than once, the mount whose root is "/" is taken, else
// the first one. Fails when the text shows no cgroup mount at all.
[[nodiscard]] Result<Hierarchies> parse_hierarchies(std::string_view mountinfo, std::string_view v2_controllers);

// Pure: where cgroup2 is mounted by this mountinfo text.
[[nodiscard]] std::optional<std::string> v2_mount_point(std::string_view mountinfo);

// A path of mountinfo, which writes space, tab, newline and backslash as \ooo.
[[nodiscard]] std::string unescape_mountinfo(std::string_view text);

// Reads <proc>/self/mountinfo and cgroup.controllers. `files` is put before every mount point, so that a fixture tree
// {files}/sys/fs/cgroup/... can stand in; it is empty on a real machine.
[[nodiscard]] Result<Hierarchies> find_hierarchies(const std::string& proc = "/proc", const std::string& files = "");

// The same without reading mountinfo, which takes the longer the more containers have mounts: from the lines that
// find_hierarchies() found. Nothing: one of them is no longer that mount in this mount namespace (statx, STATX_MNT_ID).
[[nodiscard]] std::optional<Hierarchies> known_hierarchies(const std::string& mounts);

// The same without asking whether the mounts are still those, which takes a call for each: for one who opens the
// cgroup's own files next and ends when they are not there. What cgroup.controllers lists is read only where v1 has no
// memory or no pids controller. Nothing: the text names no mount.
[[nodiscard]] std::optional<Hierarchies> noted_hierarchies(const std::string& mounts);

// One line of /proc/PID/cgroup.
struct Membership {
  std::vector<std::string> controllers;  // empty: cgroup v2
  std::string path;                      // "/mete/web/main"
};
// Pure: the text of /proc/PID/cgroup. A " (deleted)" at the end of a path is taken off.
[[nodiscard]] std::vector<Membership> parse_memberships(std::string_view proc_pid_cgroup);

}  // namespace mete::runtime::cgroup
