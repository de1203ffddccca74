// SPDX-License-Identifier: Apache-2.0
// One more process in a running container, with the namespaces, cgroups and rights of the container's first process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/process/plan/setup_op.h"

namespace mete::runtime::process {

// What is to be other than with the container's first process.
struct EnterChanges {
  std::vector<std::string> env;  // NAME=value; replaces the container's of that name
  std::string directory;         // empty: the container's
  std::optional<std::uint32_t>
      uid;  // another user: with `gid` and `groups`, and without capabilities unless it is root
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;
};

struct EnterSpec {
  pid_t pid = 0;  // the container's first process
  std::vector<std::string> args;
  std::optional<Tuning> tuning;          // empty: the container's
  std::optional<TerminalSpec> terminal;  // see OpenTerminal; TERM is set when the environment has no TERM
  EnterChanges changes = {};
  bool by_pidfd = false;  // the launch is given the pidfd of that process (LaunchOptions::process)
};

// The operations of a container's plan that make_enter_plan() looks at.
[[nodiscard]] bool matters_for_entering(const SetupOp& op);

// `container` is the plan that the container was launched from; the new plan takes its identity, environment and
// working directory. The namespaces to join are those of /proc/PID/ns; those that the caller shares are left out.
[[nodiscard]] Result<Plan> make_enter_plan(const Plan& container, const EnterSpec& spec);

}  // namespace mete::runtime::process
