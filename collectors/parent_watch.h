// SPDX-License-Identifier: Apache-2.0
// Tells whether a task in any group below a cgroup may have waited since the last pass, by a few reads of that cgroup.
//
// Pressure and the recursive counters of blkio include all groups below. A task that waits raises the pressure of its
// group and of every group above. So as long as these counters of a parent stand still, none of its groups has waited,
// and their own files need no read. A throttled task counts as one that waits for a CPU (kernel/sched/psi.c).
//
// The parent is read before its groups: what happens between the two reads is seen in the next pass.
#pragma once

#include <cstdint>
#include <vector>

#include "collectors/kernel/quiet.h"
#include "collectors/kernel/sample.h"
#include "collectors/sampler.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::collectors {

class ParentWatch {
 public:
  // Opens the files, which stay open. `collection` must outlive the object.
  ParentWatch(Collection& collection, const runtime::cgroup::Group& parent);
  ParentWatch(const ParentWatch&) = delete;
  ParentWatch& operator=(const ParentWatch&) = delete;
  ~ParentWatch();

  // Called once in each pass. True: a counter differs from the last call, or one of them could not be read. Always true
  // without pressure files, because nothing else tells of tasks that wait for a CPU.
  [[nodiscard]] bool may_have_waited();

 private:
  struct File {
    Parser parse;
    runtime::UniqueFd fd;
  };
  [[nodiscard]] bool read();

  Collection& collection_;
  std::vector<File> files_;
  bool is_complete_ = false;  // each counter that a group below can have is in files_
  bool was_read_ = false;
  Sample sample_;
  WaitingNumbers last_;
};

}  // namespace mete::collectors
