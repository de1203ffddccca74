// SPDX-License-Identifier: Apache-2.0
// What mete has changed on cgroups that it does not own, and what was there before: written down before the change, so
// that whoever dies when, everything is put back to the bytes it had.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/result.h"
#include "config/units.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

struct Knob {
  std::string path;             // of the cgroup
  std::uint64_t cgroup_id = 0;  // a group made again under the path is another one, and is left alone
  std::string controller, file;
  std::string disk = {};  // "8:0", of a file with a line for each disk; empty: it is about the whole file
  std::string before;     // what writing makes it what it was
  bool operator==(const Knob&) const = default;
};

[[nodiscard]] std::string to_json(const std::vector<Knob>& knobs);
[[nodiscard]] Result<std::vector<Knob>> parse_knobs(const std::string& json);

// Pure: which disk's line this write is about (io.max, blkio.throttle.*); empty: the file has no such lines.
[[nodiscard]] std::string disk_of_write(const runtime::cgroup::ControlWrite& write);

class Ledger {
 public:
  // `file`: where it is kept. What cannot be understood there is an error: it must not be written over.
  [[nodiscard]] static Result<Ledger> open(std::string file);

  // Notes what the file holds, unless that was noted before and nobody has written there since, and then writes. The
  // error: nothing is written.
  [[nodiscard]] Status write(const runtime::cgroup::Group& group, std::uint64_t cgroup_id,
                             const runtime::cgroup::ControlWrite& write);
  // Puts back what was changed in this cgroup, the last change first; what is gone is forgotten, and what somebody else
  // has written since is his. What could not be put back stays in the ledger. A memory limit below what is used: with
  // kReclaim as much as there is to be had is reclaimed first, and the caller waits for it; else it stays.
  enum class Usage { kLeave, kReclaim };
  struct Restored {
    std::vector<Knob> put_back, changed_since;
    std::vector<std::string> errors;
  };
  Restored restore(const std::string& path, const runtime::cgroup::Hierarchies& hierarchies, Usage usage);
  Restored restore_all(const runtime::cgroup::Hierarchies& hierarchies, Usage usage);
  // Somebody else has written these files since: what mete found there once is not to come back.
  void forget(const std::string& path, bool (*which)(std::string_view file));
  // A memory limit that is to go back; empty: there is none.
  [[nodiscard]] std::optional<Bytes> memory_limit_before(const std::string& path) const;
  [[nodiscard]] const std::vector<Knob>& knobs() const { return knobs_; }

 private:
  Ledger(std::string file, std::vector<Knob> knobs) : file_(std::move(file)), knobs_(std::move(knobs)) {}
  enum class Back { kDone, kChangedSince };
  [[nodiscard]] Status save() const;
  [[nodiscard]] Result<Back> put_back(const Knob& knob, const runtime::cgroup::Hierarchies& hierarchies,
                                      Usage usage) const;
  [[nodiscard]] bool changed_since(const Knob& knob, const std::string& now) const;

  std::string file_;
  std::vector<Knob> knobs_;
  // What each file showed after mete wrote it, by name_of(knob). Not on disk: after a crash everything goes back.
  std::map<std::string, std::string> written_;
};

}  // namespace mete::agent
