// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/container_subject.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "agent/base/spawn.h"
#include "agent/pods/container/container.h"
#include "agent/pods/pod.h"
#include "enforcers/asked_limits.h"
#include "runtime/cgroup/freezer.h"
#include "runtime/cgroup/limits/control_write.h"
#include "runtime/cgroup/memory/memory.h"
#include "runtime/file.h"
#include "runtime/shim/watchdog.h"

namespace mete::agent {

const runtime::cgroup::Group& ContainerSubject::cgroup() const {
  return container_.cgroup();
}
std::string ContainerSubject::shown() const {
  return "container " + container_.record().name + " of " + container_.slot().pod().record().key();
}
std::string ContainerSubject::pod_key() const {
  return container_.slot().pod().record().key();
}
std::string ContainerSubject::container_name() const {
  return container_.record().name;
}
const config::Policy* ContainerSubject::policy() const {
  return container_.policy();
}

std::string ContainerSubject::attempt_directory() const {
  return container_.slot().files().directory();
}

std::optional<Bytes> ContainerSubject::memory_limit() const {
  const auto& limit = container_.limits().memory;
  if (!limit || limit->is_unlimited()) return std::nullopt;
  return limit->value();
}

std::optional<Bytes> ContainerSubject::original_limit() const {
  return container_.spec() != nullptr ? container_.spec()->resources.limits.memory : memory_limit();
}

void ContainerSubject::report(Severity severity, std::string reason, std::string message, EventFields fields) {
  container_.slot().report(severity, std::move(reason), std::move(message), std::move(fields));
}

Result<runtime::process::ProcessId> ContainerSubject::first_process() const {
  const auto& process = container_.record().process;
  if (process.pid == 0) return fail("it has no process");
  return process;
}

Status ContainerSubject::raise_memory_limit(Bytes to) {
  return container_.loans().raise_memory(to);
}
std::optional<runtime::cgroup::CpuBandwidth> ContainerSubject::own_cpu() const {
  if (container_.spec() == nullptr || !container_.spec()->resources.limits.cpu) return std::nullopt;
  return enforcers::cpu_bandwidth(container_.spec()->resources.limits.cpu);
}

std::optional<std::chrono::microseconds> ContainerSubject::lent_quota() const {
  return container_.control().limits().lent_quota();
}
Status ContainerSubject::lend_quota(std::optional<std::chrono::microseconds> quota) {
  return container_.loans().lend_quota(quota);
}

Status ContainerSubject::restart(const std::string& reason) {
  return container_.attempt().restart(reason);
}
Status ContainerSubject::kill_all() {
  return container_.control().kill_all();
}
Status ContainerSubject::let_kernel_decide() {
  return container_.control().limits().let_kernel_decide();
}
void ContainerSubject::decide_again() {
  container_.apply_limits();
}
bool ContainerSubject::restarting() const {
  return container_.record().restart_wanted;
}
void ContainerSubject::killed_by_policy(const std::string& reason) {
  container_.killed_by_policy(reason);
}
void ContainerSubject::recorded(const ForensicRecord& record) {
  container_.control().watch().oom_record().recorded(record);
}

Result<pid_t> ContainerSubject::exec(const std::vector<std::string>& command, std::chrono::nanoseconds timeout) {
  METE_TRY(const auto process, first_process());
  return spawn_exec(container_.slot().services().shim,
                    {.attempt_directory = attempt_directory(),
                     .process = process,
                     .timeout = std::chrono::ceil<std::chrono::milliseconds>(timeout),
                     .command = command});
}

Status ContainerSubject::lift_memory_high() {
  return runtime::cgroup::write(cgroup(), runtime::cgroup::no_memory_high());
}

Status ContainerSubject::notify_pressure() {
  const runtime::UniqueFd fifo(
      ::open(runtime::shim::AttemptFiles(attempt_directory()).pressure().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fifo.valid())
    return errno == ENOENT ? fail("it was started without memory.notify; it is told from its next start on")
                           : fail_errno("tell it of memory pressure");
  // Full: it has not read what it was told before, and finds that.
  if (::write(fifo.get(), "\n", 1) != 1 && errno != EAGAIN) return fail_errno("tell it of memory pressure");
  return {};
}

Status ContainerSubject::guard_freeze(std::chrono::nanoseconds timeout) {
  runtime::shim::Undo undo;
  undo.at = runtime::shim::boot_time() + timeout;
  const auto thaw = runtime::cgroup::thaw_write(cgroup().hierarchies());
  undo.writes.push_back({path_of(cgroup(), thaw), thaw.text});
  METE_CHECK(runtime::replace_file(runtime::shim::freeze_watchdog(attempt_directory()), to_text(undo), 0600,
                                   runtime::Durability::volatile_));
  container_.attempt().wake_shim();
  return {};
}

void ContainerSubject::unguard_freeze() {
  (void)::unlink(runtime::shim::freeze_watchdog(attempt_directory()).c_str());
  container_.attempt().wake_shim();
}

void ContainerSubject::guard_new_hold() {
  container_.attempt().wake_shim();
}

}  // namespace mete::agent
