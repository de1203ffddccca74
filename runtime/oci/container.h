// SPDX-License-Identifier: Apache-2.0
// Makes and removes one container: shared by `create`, `run`, `start` and `delete`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/config/config.h"
#include "runtime/oci/state.h"
#include "runtime/process/launch/launcher.h"

namespace mete::runtime::oci {

struct CreateRequest {
  std::string root;
  std::string id;
  std::string bundle;
  std::string config_file;  // empty: config.json in the bundle
  bool with_gate = false;   // `create`; otherwise the command is executed at once
  bool cgroups = true;      // false with --cgroup-manager=disabled: no cgroups are made
  bool systemd = false;     // --systemd-cgroup
  bool rootless = false;    // a refused cgroup is no error, unless limits are set
  bool move_root = false;   // --no-pivot
  bool new_keyring = true;  // false with --no-new-keyring: the caller's session keyring is kept
  int preserved_fds = 0;
  std::vector<std::string> more_env;                  // NAME=value, after the bundle's
  bool takes_terminal = false;                        // without a console socket, the terminal is returned in Made
  UniqueFd console;                                   // --console-socket, connected
  std::string pidfd_socket;                           // path of --pidfd-socket
  std::function<void(const std::string&)> tell_step;  // --debug: called with each step of the child's
};

struct Made {
  State state;
  process::Launched launched;
  UniqueFd terminal;  // see CreateRequest::takes_terminal
  bool gated = false;
  std::vector<std::string> warnings;
};

// After an error nothing is left: no process, cgroup, mount or state directory. A bundle with startContainer hooks gets
// a gate even without `with_gate`.
[[nodiscard]] Result<Made> make_container(const CreateRequest& request);

// The work of `start`: startContainer hooks, the gate, poststart hooks. The caller holds the lock. When a hook fails
// the container is removed, as the specification demands.
[[nodiscard]] Status start_container(const Place& place, const State& state);

// Runs the poststop hooks of a removed container; returns each failure as a warning.
[[nodiscard]] std::vector<std::string> run_poststop(const State& state);

// Sends SIGKILL to all processes of the container, waits for their end (for a bounded time), removes cgroup and state.
// The caller holds the container's lock and has checked that removal is allowed. Missing parts are not an error.
[[nodiscard]] Status remove_container(const Place& place, const std::optional<State>& state);

// The cgroup hierarchies of this machine; read once. `known`: where they were when a container was made
// (State::cgroup_mounts); mountinfo is read only where one of them is another mount now.
[[nodiscard]] Result<const cgroup::Hierarchies*> hierarchies(const std::string& known = "");

// Reads a file named by a client. The error names the file; more than 16 MiB is refused before reading.
[[nodiscard]] Result<std::string> read_document(const std::string& path);

}  // namespace mete::runtime::oci
