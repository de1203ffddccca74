// SPDX-License-Identifier: Apache-2.0
// What each container runtime has written about a container. One function a runtime; each fills what it finds and says
// whether it found the container at all. Files are outside input: bounded, and not understood means not known.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

  // The part of a mount's source before `marker` ("/containers/ID/"), by any mount; a file system's root is taken to be
  // the machine's.
  [[nodiscard]] std::optional<std::string> source_before(std::string_view marker) const;
  // The part before `marker` of an overlay's layer paths.
  [[nodiscard]] std::optional<std::string> layers_before(std::string_view marker) const;
};
[[nodiscard]] ProcessView view_process(const IdentityRoots& roots, pid_t pid);

// The whole text of a file of at most 8 MiB below roots.files; empty when it is not to be had.
[[nodiscard]] std::string small_file(const IdentityRoots& roots, const std::string& path);

bool describe_docker(const IdentityRoots& roots, const ProcessView& process, Identity& who);
bool describe_podman(const IdentityRoots& roots, const ProcessView& process, Identity& who);
// Also for CRI, whose names are annotations in the bundle. `who.namespace_` is set for plain containerd.
bool describe_containerd(const IdentityRoots& roots, const ProcessView& process, Identity& who);
bool describe_crio(const IdentityRoots& roots, const ProcessView& process, Identity& who);
// The pod's names by its uid, from the folders of its logs.
bool describe_kubelet_pod(const IdentityRoots& roots, Identity& who);

// "2026-11-24T01:46:01.123456789Z", with or without a fraction, Z or an offset. Year 1 is "never".
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text);

}  // namespace mete::collectors
