// SPDX-License-Identifier: Apache-2.0
// Records what mete has changed on cgroups that it does not own, and the previous values. Each value is recorded before
// the change, so that every file can be restored byte for byte, whichever process dies at whatever time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/base/units.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

struct Knob {
  std::string path;             // the cgroup's
  std::uint64_t cgroup_id = 0;  // a group made again under the path has another id, and is left alone
  std::string controller, file;
  std::string disk = {};  // "8:0" in a file with one line per disk; empty: the whole file
  std::string before;     // the text that restores the file when written
  bool operator==(const Knob&) const = default;
};

[[nodiscard]] std::string to_json(const std::vector<Knob>& knobs);
[[nodiscard]] Result<std::vector<Knob>> parse_knobs(const std::string& json);

// Pure: the disk whose line this write sets (io.max, blkio.throttle.*); empty: the file has no lines per disk.
[[nodiscard]] std::string disk_of_write(const runtime::cgroup::ControlWrite& write);

class Ledger {
 public:
  // `file`: the stored ledger. A content that cannot be parsed is an error, because it must not be overwritten.
  [[nodiscard]] static Result<Ledger> open(std::string file);

  // Records the file's content, unless it is recorded already and no other program has written since; then writes. On
  // an error nothing is written.
  [[nodiscard]] Status write(const runtime::cgroup::Group& group, std::uint64_t cgroup_id,
                             const runtime::cgroup::ControlWrite& write);
  // Restores what was changed in this cgroup, the last change first. Cgroups that no longer exist are forgotten, and a
  // value that another program has written since is left. Changes that could not be undone stay in the ledger. A memory
  // limit below the present usage: with kReclaim as much memory as possible is reclaimed first, which blocks the
  // caller; otherwise the limit stays.
  enum class Usage { kLeave, kReclaim };
  struct Restored {
    std::vector<Knob> put_back, changed_since;
    std::vector<std::string> errors;
  };
  Restored restore(const std::string& path, const runtime::cgroup::Hierarchies& hierarchies, Usage usage);
  Restored restore_all(const runtime::cgroup::Hierarchies& hierarchies, Usage usage);
  // Forgets the stored values of these files: another program has written the files since, so the values must not be
  // restored.
  void forget(const std::string& path, bool (*which)(std::string_view file));
  // The memory limit that a restore would write; empty: none.
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
  // Content of each file after mete wrote it, by name_of(knob). Not on disk: after a crash every file is restored.
  std::map<std::string, std::string> written_;
};

}  // namespace mete::agent
