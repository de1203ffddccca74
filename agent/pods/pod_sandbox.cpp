// SPDX-License-Identifier: Apache-2.0
// The pod's sandbox: the process that holds the namespaces its containers share.
#include <sys/wait.h>

#include "agent/base/readable.h"
#include "agent/base/spawn.h"
#include "agent/networks/networks.h"
#include "agent/pods/pod.h"
#include "runtime/cgroup/kill.h"
#include "runtime/file.h"
#include "runtime/pod/container_spec.h"
#include "runtime/pod/network_sysctls.h"
#include "runtime/process/launch/cgroup_entry.h"
#include "runtime/process/plan/plan.h"
#include "runtime/process/plan/wire.h"

namespace mete::agent {
namespace {

using runtime::Durability;

constexpr auto kRetry = std::chrono::seconds(10);
constexpr auto kLockRetry = std::chrono::milliseconds(20);

}  // namespace

std::optional<int> Pod::sandbox_pid() const {
  if (record_.sandbox.pid == 0) return std::nullopt;
  return record_.sandbox.pid;
}

bool Pod::ensure_sandbox() {
  if (!runtime::pod::needs_sandbox(plan_->pod.spec)) return true;
  if (record_.sandbox.pid == 0) {
    if (!sandbox_starting_) start_sandbox();
    return false;
  }
  return true;
}

void Pod::kill_sandbox() {
  const auto group = cgroup_.child(kSandboxCgroup);
  const auto populated = group ? group->populated() : Result<bool>(false);
  if (populated && *populated) (void)runtime::cgroup::kill_at_once(*group);
}

void Pod::start_sandbox() {
  // Containers in the namespaces of a dead sandbox and in those of a new one would not be one pod.
  for (auto& container : containers_) {
    if (container->is_active()) {
      container->control().kill();
      return;
    }
  }
  const runtime::shim::AttemptFiles files(paths().sandbox());
  const auto launch = [&]() -> Result<bool> {
    METE_CHECK(runtime::make_directories(files.directory()));
    METE_TRY(runtime::UniqueFd lock, files.try_lock());
    if (!lock.valid()) return false;  // an earlier agent's launch is still under way
    if (const auto started = files.started(); started && *started && runtime::process::open_pidfd((*started)->id)) {
      record_.sandbox = (*started)->id;
      return true;
    }
    METE_CHECK(runtime::remove_tree(files.directory() + "/started"));
    METE_CHECK(runtime::remove_tree(files.directory() + "/exit"));
    METE_TRY(const runtime::cgroup::Group group, cgroup_.child(kSandboxCgroup));
    METE_CHECK(group.create());
    kill_sandbox();
    const std::string network = networks_.namespace_path(record_.uid);
    if (record_.users && !network.empty())
      METE_CHECK(runtime::pod::write_network_sysctls(network, runtime::pod::sysctls_of(plan_->pod)));
    METE_TRY(const auto plan,
             runtime::process::make_sandbox_plan(runtime::pod::sandbox_spec(
                 plan_->pod, runtime::process::join_of(group), network.empty() ? "" : kShimNetwork, record_.users)));
    METE_CHECK(runtime::replace_file(files.plan(), runtime::process::encode(plan), 0600, Durability::volatile_));
    METE_TRY(SpawnedShim shim, spawn_shim({.shim = services_.shim,
                                           .mode = "sandbox",
                                           .directory = files.directory(),
                                           .lock = std::move(lock),
                                           .network = networks_.namespace_descriptor(record_.uid)}));
    sandbox_shim_ = shim.pid;
    sandbox_ready_.close();
    sandbox_ready_.assign(shim.ready.release());
    when_readable(alive_, sandbox_ready_, [this] { sandbox_started(); });
    sandbox_starting_ = true;
    return true;
  }();
  if (!launch) {
    report(Severity::kWarning, name_of(Reason::kSandboxFailed), "", launch.error().what);
    step_at(std::chrono::system_clock::now() + kRetry);
  } else if (!*launch) {
    step_at(std::chrono::system_clock::now() + kLockRetry);
  } else if (!sandbox_starting_) {
    watch_sandbox();
    container_ended();  // look again, from the loop
  }
}

void Pod::sandbox_started() {
  sandbox_ready_.close();
  sandbox_starting_ = false;
  // It ends at once after its word.
  if (sandbox_shim_ > 0) ::waitpid(std::exchange(sandbox_shim_, 0), nullptr, 0);
  const runtime::shim::AttemptFiles files(paths().sandbox());
  if (const auto started = files.started(); started && *started) {
    record_.sandbox = (*started)->id;
    save(Durability::volatile_);
    watch_sandbox();
    step();
    return;
  }
  const auto exit = files.exit();
  report(Severity::kWarning, name_of(Reason::kSandboxFailed), "",
         exit && *exit ? (*exit)->start_error : "the sandbox's launcher died");
  if (is_being_ended()) {
    clean_up();
  } else {
    step_at(std::chrono::system_clock::now() + kRetry);
  }
}

void Pod::watch_sandbox() {
  auto pidfd = runtime::process::open_pidfd(record_.sandbox);
  const auto lost = [this] {
    sandbox_.close();
    record_.sandbox = {};
    // Or its successor would be taken to be it, for as long as nobody has reaped it.
    (void)runtime::remove_tree(paths().sandbox() + "/started");
    save(Durability::volatile_);
    if (is_being_ended()) return;
    report(Severity::kWarning, name_of(Reason::kSandboxLost), "",
           "The pod's sandbox ended; its containers are restarted in a new one");
    for (auto& container : containers_) {
      if (container->is_active()) container->control().kill();
    }
    step();
  };
  if (!pidfd) {
    asio::post(services_.loop, alive_.guard(lost));
    return;
  }
  sandbox_.close();
  sandbox_.assign(pidfd->release());
  when_readable(alive_, sandbox_, lost);
}

}  // namespace mete::agent
