// SPDX-License-Identifier: Apache-2.0
// A cgroup of others has no shim to free it, should the agent die while it is frozen or held: `mete-shim watchdog` is
// one. It runs while there is something to be undone, and reads what from files as every shim does
// (runtime/shim/watchdog.h).
#pragma once

#include <chrono>
#include <string>

#include "agent/base/services.h"
#include "config/result.h"
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
  // v1: whoever has waited in it for so long is left to the kernel.
  [[nodiscard]] Status guard_oom(std::chrono::milliseconds wait);
  void unguard_oom();
  // Nothing is to be undone any more.
  void close();

 private:
  [[nodiscard]] Status write(const std::string& file, const runtime::shim::Undo& undo);
  void remove(const std::string& file);
  void tell();

  Services& services_;
  const runtime::cgroup::Group& group_;
  std::string directory_;
  runtime::UniqueFd pidfd_;
};

}  // namespace mete::agent
