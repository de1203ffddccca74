// SPDX-License-Identifier: Apache-2.0
// Runs `mete-shim watchdog` for cgroups that others made: they have no shim that would thaw or release them when the
// agent dies while they are frozen or held. The watchdog runs while there is something to undo, and reads what to undo
// from files, as every shim does (runtime/shim/watchdog.h).
#pragma once

#include <chrono>
#include <string>

#include "agent/base/services.h"
#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"
#include "runtime/shim/watchdog.h"

namespace mete::agent {

class ForeignWatchdog {
 public:
  ForeignWatchdog(Services& services, const runtime::cgroup::Group& group);
  ForeignWatchdog(const ForeignWatchdog&) = delete;
  ForeignWatchdog& operator=(const ForeignWatchdog&) = delete;
  ~ForeignWatchdog() { close(); }

  [[nodiscard]] Status guard_freeze(std::chrono::nanoseconds timeout);
  void unguard_freeze();
  // v1: hands an OOM over to the kernel when processes of the group have waited this long.
  [[nodiscard]] Status guard_oom(std::chrono::milliseconds wait);
  void unguard_oom();
  // A new hold has begun, or the files have changed.
  void wake();
  // Nothing is left to undo: ends the watchdog.
  void close();

 private:
  [[nodiscard]] Status write(const std::string& file, const runtime::shim::Undo& undo);
  void remove(const std::string& file);

  Services& services_;
  const runtime::cgroup::Group& group_;
  std::string directory_;
  runtime::UniqueFd pidfd_;
};

}  // namespace mete::agent
