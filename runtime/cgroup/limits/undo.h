// SPDX-License-Identifier: Apache-2.0
// Writes control files of one cgroup and can restore the old contents, for a change that is made as a whole or not at
// all.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/limits/limit_writes.h"

namespace mete::runtime::cgroup {

class Group;

class UndoLog {
 public:
  // `group` must outlive it.
  explicit UndoLog(const Group& group) : group_(group) {}

  // Reads the file, then writes it. A file that cannot be read is written and not put back.
  [[nodiscard]] Status write(const ControlWrite& write);
  // Restores the old contents, the last write first, so that each file goes through values that the kernel has accepted
  // before. `why`: the error that made it necessary. It is returned, with the files that could not be restored.
  [[nodiscard]] Error undo(Error why);
  [[nodiscard]] const std::vector<ControlWrite>& written() const { return written_; }

 private:
  void note(const std::string& controller, const std::string& file, const std::string& key);

  const Group& group_;
  std::vector<ControlWrite> before_;
  std::vector<ControlWrite> written_;
};

// Pure: the device, disk or interface ("8:0") whose line `text` changes in a file with one line for each; else empty.
[[nodiscard]] std::string line_key(std::string_view file, std::string_view text);

}  // namespace mete::runtime::cgroup
