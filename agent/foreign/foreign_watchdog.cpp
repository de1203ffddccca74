// SPDX-License-Identifier: Apache-2.0
#include "agent/foreign/foreign_watchdog.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/base/child_process.h"
#include "agent/base/digest.h"
#include "agent/base/spawn.h"
#include "runtime/cgroup/freezer.h"
#include "runtime/cgroup/limits/control_write.h"
#include "runtime/cgroup/memory/oom.h"
#include "runtime/file.h"

namespace mete::agent {

ForeignWatchdog::ForeignWatchdog(Services& services, const runtime::cgroup::Group& group)
    : services_(services), group_(group), directory_(services.settings.run + "/watchdogs/" + digest(group.path())) {}

Status ForeignWatchdog::guard_freeze(std::chrono::nanoseconds timeout) {
  runtime::shim::Undo undo;
  undo.at = runtime::shim::boot_time() + timeout;
  const auto thaw = runtime::cgroup::thaw_write(group_.hierarchies());
  undo.writes.push_back({path_of(group_, thaw), thaw.text});
  return write(runtime::shim::freeze_watchdog(directory_), undo);
}

void ForeignWatchdog::unguard_freeze() {
  remove(runtime::shim::freeze_watchdog(directory_));
}

Status ForeignWatchdog::guard_oom(std::chrono::milliseconds wait) {
  runtime::shim::Undo undo;
  undo.memory_directory = group_.directory("memory");
  undo.wait = wait;
  const auto kill = runtime::cgroup::enable_oom_kill();
  undo.writes.push_back({path_of(group_, kill), kill.text});
  return write(runtime::shim::oom_watchdog(directory_), undo);
}

void ForeignWatchdog::unguard_oom() {
  remove(runtime::shim::oom_watchdog(directory_));
}

void ForeignWatchdog::close() {
  unguard_freeze();
  unguard_oom();
  (void)::rmdir(directory_.c_str());
}

Status ForeignWatchdog::write(const std::string& file, const runtime::shim::Undo& undo) {
  METE_CHECK(runtime::make_directories(directory_, 0700));
  METE_CHECK(runtime::replace_file(file, to_text(undo), 0600, runtime::Durability::volatile_));
  pollfd ended{pidfd_.get(), POLLIN, 0};
  if (pidfd_.valid() && ::poll(&ended, 1, 0) == 0) {
    wake();
    return {};
  }
  METE_TRY(const pid_t pid, spawn_watchdog(services_.shim, directory_));
  pidfd_ = runtime::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  await_child(services_.loop, pid, [](int) {});
  return {};
}

void ForeignWatchdog::remove(const std::string& file) {
  if (::unlink(file.c_str()) == 0) wake();
}

void ForeignWatchdog::wake() {
  if (pidfd_.valid()) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), runtime::shim::kFilesChanged, nullptr, 0);
}

}  // namespace mete::agent
