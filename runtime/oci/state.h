// SPDX-License-Identifier: Apache-2.0
// What is kept of a container between two calls of mete-oci: ROOT/ID/.
//
//   state.json   written before the thing that it records is made, replaced as a whole
//   plan         what the container was launched from, for `exec`
//   gate         a FIFO at which the container's first process waits between `create` and `start`; what has it open
//                for reading tells the one state from the other, so that no crash can leave a wrong word on disk
//
// The directory's mkdir is what makes an id taken; its flock keeps two calls for one container apart, and ends with the
// process that holds it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/result.h"
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
  std::string unit;            // systemd's scope of it; empty: none
  std::string created;         // RFC 3339
  process::ProcessId process;  // pid 0: not yet
  std::map<std::string, std::string> annotations;
  std::string listener_path;  // see SeccompProfile; for `exec`
  std::string listener_metadata;
  Hooks hooks;  // those that are still to come: startContainer, poststart, poststop
};

// The state as the specification has it, for `state` and hooks. With `pid` 0 it has none.
[[nodiscard]] std::string spec_state(const State& state, const std::string& status, pid_t pid);

// What a seccomp listener is told beside the descriptor (config-linux.md, "The Container Process State").
[[nodiscard]] std::string process_state(const State& state, const std::string& status, pid_t pid);

[[nodiscard]] std::string to_text(const State& state);
[[nodiscard]] Result<State> parse_state(std::string_view text);

// Letters, digits and "_+.-", at most 255 (it names a directory and a cgroup), and neither "." nor "..".
[[nodiscard]] Status check_id(const std::string& id);

class Place {
 public:
  Place(const std::string& root, const std::string& id) : directory_(root + "/" + id), id_(id) {}
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string gate() const { return directory_ + "/gate"; }
  [[nodiscard]] std::string plan() const { return directory_ + "/plan"; }

  // Takes the id. An error with code EEXIST says that it is in use.
  [[nodiscard]] Result<UniqueFd> claim(const std::string& root) const;
  // The lock of an existing container, after a bounded wait. An error with code ENOENT says that there is none.
  [[nodiscard]] Result<UniqueFd> lock() const;
  [[nodiscard]] bool exists() const;

  [[nodiscard]] Result<State> load() const;
  [[nodiscard]] Status save(const State& state) const;  // replaces it
  // A file of a container that is being made. One that a crash left half written has recorded nothing yet: what it
  // speaks of is made after it.
  [[nodiscard]] Status write_new(const std::string& name, std::string_view text) const;
  [[nodiscard]] Status remove() const;

 private:
  [[nodiscard]] tl::unexpected<Error> missing() const;
  std::string directory_;
  std::string id_;
};

// Asks the kernel. `hierarchies` may be null: then "paused" is not told from "running".
[[nodiscard]] Life life_of(const Place& place, const State& state, const cgroup::Hierarchies* hierarchies);

}  // namespace mete::runtime::oci
