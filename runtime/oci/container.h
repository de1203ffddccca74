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
  bool systemd = false;     // --systemd-cgroup
  bool rootless = false;    // where no cgroup may be made there is none, unless limits are asked for
  bool move_root = false;   // --no-pivot
  bool new_keyring = true;  // --no-new-keyring: the session keyring of the caller stays
  int preserved_fds = 0;
  std::vector<std::string> more_env;  // NAME=value, after the bundle's
  bool takes_terminal = false;        // Made::terminal is wanted when no console socket is given
  UniqueFd console;                   // --console-socket, connected
};

struct Made {
  State state;
  process::Launched launched;
  UniqueFd terminal;  // see CreateRequest
  bool gated = false;
  std::vector<std::string> warnings;
};

// After an error nothing is left: no process, cgroup, mount, state directory. With startContainer hooks there is a gate
// whether it is asked for or not.
[[nodiscard]] Result<Made> make_container(const CreateRequest& request);

// What `start` does: startContainer hooks, the gate, poststart hooks. The caller holds the lock. After an error of a
// hook the container is gone, as the specification wants it.
[[nodiscard]] Status start_container(const Place& place, const State& state);

// The poststop hooks of a container that is gone; each failure is a warning.
[[nodiscard]] std::vector<std::string> run_poststop(const State& state);

// SIGKILL to all of it, a bounded wait for their end, cgroup and state removed. The caller holds the container's lock
// and has checked that this is wanted. A container of which only parts exist is fine.
[[nodiscard]] Status remove_container(const Place& place, const std::optional<State>& state);

// This machine's cgroups; found once.
[[nodiscard]] Result<const cgroup::Hierarchies*> hierarchies();

// The text of a file that a client gives us: an error names it; more than 16 MiB is refused before it is read.
[[nodiscard]] Result<std::string> read_document(const std::string& path);

}  // namespace mete::runtime::oci
