// SPDX-License-Identifier: Apache-2.0
// Reads the files that each container runtime writes about a container: one function per runtime, which sets the facts
// that it finds. The files are outside input: reads are bounded, and text that cannot be parsed leaves its facts
// unknown.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/discovery/bolt.h"
#include "collectors/discovery/identify.h"

namespace mete::collectors {

// A line of /proc/PID/mountinfo, unescaped.
struct MountLine {
  std::string device;   // "254:0"
  std::string root;     // path within the mounted file system
  std::string point;    // the mount point in the process's mount namespace
  std::string type;     // "overlay"
  std::string source;   // "/dev/vda1", or a word
  std::string options;  // of the file system: "lowerdir=...,upperdir=..."
};
[[nodiscard]] std::vector<MountLine> parse_mountinfo(std::string_view text);

// A container's process and its mounts, from which the folders of its runtime are found.
struct ProcessView {
  pid_t pid = 0;
  pid_t parent = 0;
  std::vector<MountLine> mounts;

  // Calls found(folder) with the part of each mount source before `marker` ("/containers/ID/") until `found` returns
  // true. mountinfo gives a source relative to the root of its file system, so `folder` is the path at which the
  // machine has that file system mounted.
  bool any_source_before(const IdentityRoots& roots, std::string_view marker,
                         const std::function<bool(const std::string&)>& found) const;
  // The directory of the root's writable layer (upperdir of an overlay mount) as a path of the machine. Empty when the
  // root is no overlay, has no such layer, or was mounted with a path relative to a folder of the runtime.
  [[nodiscard]] std::string writable_layer() const;
  // The part of an overlay's layer paths before `marker`.
  [[nodiscard]] std::optional<std::string> layers_before(std::string_view marker) const;
};
[[nodiscard]] ProcessView view_process(const IdentityRoots& roots, pid_t pid);
[[nodiscard]] pid_t parent_of(const IdentityRoots& roots, pid_t pid);  // 0: the process is gone, or has no parent

// The whole text of a file of at most 8 MiB below roots.files; empty when the file is larger or cannot be read.
[[nodiscard]] std::string small_file(const IdentityRoots& roots, const std::string& path);

// Empty: the file does not exist.
[[nodiscard]] std::optional<BoltFile> open_bolt(const IdentityRoots& roots, const std::string& path);

enum class Found : std::uint8_t {
  kNothing,  // the container is another runtime's, or its files do not exist yet
  kSome,     // a name, but not every fact
  kAll,
};
Found describe_docker(const IdentityRoots& roots, const ProcessView& process, Identity& who);
Found describe_podman(const IdentityRoots& roots, const ProcessView& process, Identity& who);
// Also for CRI, whose names are annotations in the bundle, and for docker's containers in a cgroup of another name,
// which are containerd's too; `who.runtime` is set to the runtime found. `process.mounts` may be empty: the mounts are
// read when they are needed.
Found describe_containerd(const IdentityRoots& roots, const ProcessView& process, Identity& who);
Found describe_crio(const IdentityRoots& roots, const ProcessView& process, Identity& who);
// Sets the names of a pod from the folders of its logs, found by the pod's uid.
bool describe_kubelet_pod(const IdentityRoots& roots, Identity& who);

// Parses "2026-11-24T01:46:01.123456789Z", with or without a fraction, with Z or an offset. Year 1 means "never".
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text);

}  // namespace mete::collectors
