// SPDX-License-Identifier: Apache-2.0
// Making and unmaking one container: what `create`, `run`, `start` and `delete` share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/config.h"
#include "runtime/oci/state.h"
#include "runtime/process/launcher.h"

namespace mete::runtime::oci {

struct CreateRequest {
  std::string root;
  std::string id;
  std::string bundle;
  std::string config_file;  // empty: config.json in the bundle
  bool with_gate = false;   // `create`; else the command is executed at once
  bool cgroups = true;      // --cgroup-manager=disabled: none are made
  int preserved_fds = 0;
};

struct Made {
  State state;
  process::Launched launched;
  std::vector<std::string> warnings;
};

// After an error nothing is left: no process, cgroup, mount, state directory.
[[nodiscard]] Result<Made> make_container(const CreateRequest& request);

// SIGKILL to all of it, a bounded wait for their end, cgroup and state removed. The caller holds the container's lock
// and has checked that this is wanted. A container of which only parts exist is fine.
[[nodiscard]] Status remove_container(const Place& place, const std::optional<State>& state);

// This machine's cgroups; found once.
[[nodiscard]] Result<const cgroup::Hierarchies*> hierarchies();

// The text of a file that a client gives us: an error names it; more than 16 MiB is refused before it is read.
[[nodiscard]] Result<std::string> read_document(const std::string& path);

// Bits of the capabilities we hold ourselves.
[[nodiscard]] std::uint64_t own_capabilities();

}  // namespace mete::runtime::oci
