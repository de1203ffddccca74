// SPDX-License-Identifier: Apache-2.0
// What each container runtime has written about a container. One function a runtime; each fills what it finds. Files
// are outside input: bounded, and not understood means not known.
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
  std::string point;    // where the process sees it
  std::string type;     // "overlay"
  std::string options;  // of the file system: "lowerdir=...,upperdir=..."
};
[[nodiscard]] std::vector<MountLine> parse_mountinfo(std::string_view text);

// A container's process and what it sees, for finding the folders of its runtime.
struct ProcessView {
  pid_t pid = 0;
  pid_t parent = 0;
  std::vector<MountLine> mounts;

  // Calls found(folder) with the part of a mount's source before `marker` ("/containers/ID/") until it returns true. A
  // source is told from the root of its file system, so the folder is looked for where the machine has that mounted.
  bool any_source_before(const IdentityRoots& roots, std::string_view marker,
                         const std::function<bool(const std::string&)>& found) const;
  // The directory of the writable layer of the root, as the machine has it: of an overlay mount's upperdir. Empty when
  // the root is no overlay, has no such layer, or its runtime mounted it by a path that begins at a folder of its own.
  [[nodiscard]] std::string writable_layer() const;
  // The part before `marker` of an overlay's layer paths.
  [[nodiscard]] std::optional<std::string> layers_before(std::string_view marker) const;
};
[[nodiscard]] ProcessView view_process(const IdentityRoots& roots, pid_t pid);
[[nodiscard]] pid_t parent_of(const IdentityRoots& roots, pid_t pid);  // 0: it is gone, or has none

// The whole text of a file of at most 8 MiB below roots.files; empty when it is not to be had.
[[nodiscard]] std::string small_file(const IdentityRoots& roots, const std::string& path);

// Empty: there is no such file.
[[nodiscard]] std::optional<BoltFile> open_bolt(const IdentityRoots& roots, const std::string& path);

enum class Found : std::uint8_t {
  kNothing,  // another runtime's, or its files are not there yet
  kSome,     // a name, but not all that there is to know
  kAll,
};
Found describe_docker(const IdentityRoots& roots, const ProcessView& process, Identity& who);
Found describe_podman(const IdentityRoots& roots, const ProcessView& process, Identity& who);
// Also for CRI, whose names are annotations in the bundle, and for docker's containers in a cgroup of another name,
// which are containerd's too: `who.runtime` is set to what it is. `process` may be without mounts: they are read when
// needed.
Found describe_containerd(const IdentityRoots& roots, const ProcessView& process, Identity& who);
Found describe_crio(const IdentityRoots& roots, const ProcessView& process, Identity& who);
// The pod's names by its uid, from the folders of its logs.
bool describe_kubelet_pod(const IdentityRoots& roots, Identity& who);

// "2026-11-24T01:46:01.123456789Z", with or without a fraction, Z or an offset. Year 1 is "never".
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text);

}  // namespace mete::collectors
