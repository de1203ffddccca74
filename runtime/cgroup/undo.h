// SPDX-License-Identifier: Apache-2.0
// Writes control files of one cgroup and can put back what was there, for a change that is made as a whole or not at
// all.
#pragma once

#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/cgroup/limit_writes.h"

namespace mete::runtime::cgroup {

class Group;

class UndoLog {
 public:
  // `group` must outlive it.
  explicit UndoLog(const Group& group) : group_(group) {}

  // Reads the file, then writes it. A file that cannot be read is written and not put back.
  [[nodiscard]] Status write(const ControlWrite& write);
  // Puts back what was there, the last write first: so each file goes through values that the kernel has taken before.
  // `why` is what made it necessary; returned with what could not be put back.
  [[nodiscard]] Error undo(Error why);
  [[nodiscard]] const std::vector<ControlWrite>& written() const { return written_; }

 private:
  void note(const std::string& controller, const std::string& file, const std::string& key);

  const Group& group_;
  std::vector<ControlWrite> before_;
  std::vector<ControlWrite> written_;
};

// Pure: of a file with a line for each device, disk or interface, the one that is written ("8:0"); else empty.
[[nodiscard]] std::string line_key(std::string_view file, std::string_view text);

}  // namespace mete::runtime::cgroup
