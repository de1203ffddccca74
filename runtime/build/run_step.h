// SPDX-License-Identifier: Apache-2.0
// A RUN as a container: under the build's limits, without a network or with the host's, its output piece by piece, and
// what it used.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/build/mount_points.h"
#include "runtime/build/workspace.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::build {

enum class RunNetwork { kHost, kNone, kGiven };  // kGiven: a namespace that somebody else has connected

struct RunStep {
  std::string name;  // of its cgroup: no other RUN of the build at this time has it
  int stop = -1;     // readable: the RUN is ended
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;
  RunNetwork network = RunNetwork::kHost;
  std::string network_namespace;           // of kGiven
  std::vector<process::MountSpec> mounts;  // besides those that every container has
  std::vector<MountPoint> mount_points;    // of these mounts
};

struct RunUsage {
  std::optional<std::uint64_t> cpu_ns;
  std::optional<std::uint64_t> peak_bytes;
  std::uint64_t oom_kills = 0;
};

struct RunOutcome {
  int code = 0;  // of the command; 128 + N: signal N ended it
  RunUsage usage;
};

using OnOutput = std::function<void(std::string_view)>;

// The mount points of what every container has mounted.
[[nodiscard]] std::vector<MountPoint> default_mount_points();

// Runs it in the tree that is mounted at `root`, in a cgroup of its own below `group`. Error: it could not be started;
// ENOENT: the image has no such command.
[[nodiscard]] Result<RunOutcome> carry_out_run(const RunStep& step, const std::string& root, const cgroup::Group& group,
                                               const OnOutput& on_output);

}  // namespace mete::runtime::build
