// SPDX-License-Identifier: Apache-2.0
// The state of a container between two calls of mete-oci, in ROOT/ID/.
//
//   state.json   written before the thing that it records is made, replaced as a whole
//   plan         the plan that the container was launched from, for `exec`
//   gate         a FIFO at which the container's first process waits between `create` and `start`. Whether a process
//   has it
//                open for reading tells "created" from "running", so that no crash can leave a wrong state on disk
//
// mkdir of the directory reserves the id. flock on the directory serializes the calls for one container; the kernel
// releases the lock when the holding process ends.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/fd.h"
#include "runtime/oci/hooks.h"
#include "runtime/process/process_id.h"

namespace mete::runtime::oci {

enum class Life { creating, created, running, paused, stopped };
[[nodiscard]] const char* to_string(Life life);

struct State {
  std::string version;  // of the bundle's config.json
  std::string id;
  std::string bundle;
  std::string rootfs;
  std::string cgroup;          // path within each hierarchy; empty: none was made
  std::string unit;            // systemd's scope of the container; empty: none
  std::string cgroup_mounts;   // see hierarchies()
  std::string created;         // RFC 3339
  process::ProcessId process;  // pid 0: not yet made
  std::map<std::string, std::string> annotations;
  std::string listener_path;  // see SeccompProfile; for `exec`
  std::string listener_metadata;
  Hooks hooks;  // those that run later: startContainer, poststart, poststop
};

// The state in the specification's format, for `state` and hooks. `pid` 0: the text has no pid.
[[nodiscard]] std::string spec_state(const State& state, const std::string& status, pid_t pid);

// The text that a seccomp listener receives with the descriptor (config-linux.md, "The Container Process State").
[[nodiscard]] std::string process_state(const State& state, const std::string& status, pid_t pid);

[[nodiscard]] std::string to_text(const State& state);
[[nodiscard]] Result<State> parse_state(std::string_view text);

// Accepts letters, digits and "_+.-", at most 255 characters (the id names a directory and a cgroup), but not "." or
// "..".
[[nodiscard]] Status check_id(const std::string& id);

class Place {
 public:
  Place(const std::string& root, const std::string& id) : directory_(root + "/" + id), id_(id) {}
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string gate() const { return directory_ + "/gate"; }
  [[nodiscard]] std::string plan() const { return directory_ + "/plan"; }

  // Reserves the id. Error EEXIST: the id is in use.
  [[nodiscard]] Result<UniqueFd> claim(const std::string& root) const;
  // Locks an existing container, after a bounded wait. Error ENOENT: there is no such container.
  [[nodiscard]] Result<UniqueFd> lock() const;
  [[nodiscard]] bool exists() const;

  [[nodiscard]] Result<State> load() const;
  [[nodiscard]] Status save(const State& state) const;  // replaces the file
  // Writes a file of a container that is being made. A crash may leave the file half written; then nothing is lost,
  // because what the file records is made after it.
  [[nodiscard]] Status write_new(const std::string& name, std::string_view text) const;
  [[nodiscard]] Status remove() const;

 private:
  [[nodiscard]] tl::unexpected<Error> missing() const;
  std::string directory_;
  std::string id_;
};

// Determines the state from the kernel. Fails when the container's cgroup does not say whether it is frozen, as one
// that is not where `hierarchies` are.
[[nodiscard]] Result<Life> known_life(const Place& place, const State& state, const cgroup::Hierarchies& hierarchies);
// The same, "running" where that fails. With `hierarchies` null, "paused" is reported as "running", too.
[[nodiscard]] Life life_of(const Place& place, const State& state, const cgroup::Hierarchies* hierarchies);

}  // namespace mete::runtime::oci
