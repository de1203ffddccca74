// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "agent/base/spawn.h"
#include "agent/enforcement/cpu_enforcer.h"
#include "agent/enforcement/drift_watch.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/pods/container_subject.h"
#include "agent/pods/pod.h"
#include "runtime/file.h"
#include "runtime/process/process_id.h"

namespace mete::agent {
namespace {

constexpr auto kRetryLaunch = std::chrono::seconds(10);
// From the process' end to the shim's is milliseconds.
constexpr auto kShimPatience = std::chrono::seconds(2);

runtime::shim::TimePoint now() {
  return std::chrono::system_clock::now();
}

runtime::cgroup::Group group_of(const Pod& pod, std::size_t index) {
  const auto& path = pod.cgroup().path();
  // The pod's path was checked, and names of containers are DNS labels.
  return *runtime::cgroup::Group::at(pod.cgroup().hierarchies(), path + "/" + pod.record().containers[index].name);
}

}  // namespace

Container::Container(Pod& pod, std::size_t index)
    : pod_(pod),
      slot_(pod, index),
      enforcement_(pod.enforcement()),
      services_(pod.services()),
      cgroup_(group_of(pod, index)),
      oom_record_(slot_, cgroup_, limits_),
      stop_signal_(SIGTERM),
      shim_(services_.loop),
      ready_(services_.loop),
      adopt_timer_(services_.loop),
      process_(services_.loop),
      shim_timer_(services_.loop),
      restart_timer_(services_.loop),
      pre_stop_(services_.loop),
      subject_(std::make_unique<ContainerSubject>(services_, pod, *this)),
      enforcer_(std::make_unique<MemoryEnforcer>(enforcement_, *subject_)),
      cpu_enforcer_(std::make_unique<CpuEnforcer>(enforcement_, *subject_)),
      oom_watch_(std::make_unique<OomWatch>(enforcement_, *subject_, oom_record_, *enforcer_)),
      lower_timer_(services_.loop),
      limit_events_(services_, cgroup_, [this](std::string reason, const std::string& message, auto fields) {
        pod_.tell(Severity::kWarning, std::move(reason), record().name, "Container " + record().name + ": " + message,
                  std::move(fields));
      }) {
  drift_ = std::make_unique<DriftWatch>(
      services_, cgroup_,
      DriftWatch::Owner{
          .limits = [this] { return spec() == nullptr || record().cgroup_id == 0 ? nullptr : &limits_; },
          .report_only = [this] { return policy() != nullptr && policy()->drift == config::OnDrift::kReport; },
          .tell =
              [this](std::string message, auto fields) {
                pod_.tell(Severity::kWarning, "LimitDrift", record().name, std::move(message), std::move(fields));
              },
          .changed = [this] { ++limit_changes_; },
          .memory_event = [this] { oom_watch_->woken(); },
          .limit_event = [this] { limit_events_.look(); }});
  base_ = std::make_shared<const collectors::Sample>(
      collectors::from_text(record().base_sample).value_or(collectors::Sample()));
}

Container::~Container() {
  enforcement_.cores().release(cgroup_.path());
  close_cgroup();
  leave_gate();
}

ContainerRecord& Container::record() {
  return slot_.record();
}
const ContainerRecord& Container::record() const {
  return slot_.record();
}

const config::Container* Container::spec() const {
  return slot_.spec();
}

Subject& Container::subject() const {
  return *subject_;
}

const config::Policy* Container::policy() const {
  return slot_.policy();
}

runtime::shim::AttemptFiles Container::files() const {
  return slot_.files();
}

std::string Container::attempts_directory() const {
  return slot_.attempts_directory();
}

std::string Container::log_path() const {
  return slot_.log_path();
}

bool Container::is_active() const {
  return record().state == ContainerState::kStarting || record().state == ContainerState::kRunning;
}

Status Container::signal(int number) {
  if (record().state != ContainerState::kRunning)
    return fail("container " + record().name + ": found it " + to_string(record().state) + ", expected it running");
  METE_TRY(const runtime::UniqueFd process, runtime::process::open_pidfd(record().process));
  return runtime::process::send_signal(process, number);
}

void Container::ask_to_end(std::chrono::nanoseconds grace) {
  const auto& own = record();
  if (!own.pre_stop || pre_stopped_ || grace <= std::chrono::nanoseconds(0)) {
    pre_stop_.cancel();
    (void)signal(stop_signal_);
    return;
  }
  pre_stop_.run(
      *own.pre_stop, grace,
      [this](const config::PreStopHook& hook, auto timeout) {
        return hook.http ? spawn_http_get(record().process, *hook.http, timeout)
                         : subject_->exec(hook.command, timeout);
      },
      [this](const std::string& failure) {
        pre_stopped_ = true;
        if (!failure.empty()) {
          // The kubelet's name for it.
          pod_.tell(Severity::kWarning, "FailedPreStopHook", record().name,
                    "The preStop hook of container " + record().name + " failed: " + failure +
                        "; it is told to end all the same");
        }
        (void)signal(stop_signal_);
      });
}

void Container::kill() {
  if (auto killed = cgroup_.kill_all(); !killed && !runtime::cgroup::is_gone(killed.error())) {
    pod_.tell(Severity::kWarning, "KillFailed", record().name, killed.error().what);
  }
}

void Container::give_up_shim() {
  const auto populated = cgroup_.populated();
  if (!shim_.is_open() || (populated && *populated)) return;
  ::syscall(SYS_pidfd_send_signal, shim_.native_handle(), SIGKILL, nullptr, 0);
}

void Container::watch_process() {
  shim_stuck_told_ = false;
  auto pidfd = runtime::process::open_pidfd(record().process);
  if (!pidfd) {
    asio::post(services_.loop, alive_.guard([this] { process_ended(); }));
    return;
  }
  process_.close();
  process_.assign(pidfd->release());
  process_.async_wait(asio::posix::stream_descriptor::wait_read, alive_.guard([this] { process_ended(); }));
}

void Container::process_ended() {
  process_.close();
  if (!shim_.is_open()) return;
  // In a PID namespace that it shares, the others do not end with it, and would keep its log and its shim open.
  kill_rest();
  wait_for_shim();
}

void Container::kill_rest() {
  if (!pod_.shares_processes()) return;
  if (const auto populated = cgroup_.populated(); populated && *populated) kill();
}

void Container::wait_for_shim() {
  shim_timer_.expires_after(kShimPatience);
  shim_timer_.async_wait(alive_.guard([this] {
    if (!shim_.is_open()) return;
    // What keeps the shim from writing keeps us from it too.
    const std::string probe = files().directory() + "/probe";
    const auto tried = runtime::replace_file(probe, "x", 0600, runtime::Durability::volatile_);
    if (tried) (void)::unlink(probe.c_str());
    if (!tried && !std::exchange(shim_stuck_told_, true)) {
      pod_.tell(
          Severity::kWarning, "ExitNotSaved", record().name,
          "Container " + record().name + " has ended, but its exit status cannot be written: " + tried.error().what);
    }
    wait_for_shim();
  }));
}

void Container::ended() {
  const int shim = std::exchange(shim_pid_, 0);
  shim_.close();
  ready_.close();
  process_.close();
  shim_timer_.cancel();
  reap(shim);
  leave_gate();
  const auto files = this->files();
  const auto status = files.exit();
  if (status && *status) {
    finish(**status);
    return;
  }
  const auto started = files.started();
  if (!started || !*started) {
    // Killed, or on a disk so full that it could not even say so.
    kill();
    not_launched(Error{0, "mete-shim ended before it had started the container, and could not say why"});
    return;
  }
  // Without its shim nobody writes the container's log or learns its status: it does not go on alone.
  kill();
  record().started_at = (*started)->at;
  runtime::shim::ExitStatus lost;
  lost.code = 128 + SIGKILL;
  lost.signal = SIGKILL;
  lost.at = now();
  finish(lost, "ShimLost");
}

void Container::finish(const runtime::shim::ExitStatus& status, const std::string& reason) {
  auto& own = record();
  oom_watch_->poll();
  if (const auto last = read_kernel()) own.last_sample = collectors::to_text(*last);
  oom_watch_->stop_polling();
  restart_timer_.cancel();
  pre_stop_.cancel();
  own.exit_code = status.code;
  own.exit_signal = status.signal;
  own.finished_at = status.at;
  own.message = status.start_error;
  own.waiting_reason.clear();
  if (!status.start_error.empty()) own.started_at = own.finished_at;
  const std::string by_policy = std::exchange(own.end_reason, {});
  if (!reason.empty()) {
    own.reason = reason;
  } else if (!by_policy.empty()) {
    own.reason = by_policy;
  } else if (own.killed_by_policy && status.code == 128 + SIGKILL) {
    own.reason = "PolicyKilled";
  } else if (!status.start_error.empty()) {
    own.reason = "StartError";
  } else if (own.oom_in_attempt && status.code != 0) {
    own.reason = "OOMKilled";
  } else {
    own.reason = status.code == 0 ? "Completed" : "Error";
  }
  note_end(own, pod_.restart_policy(), services_.settings.backoff);
  if (std::exchange(own.restart_wanted, false)) {
    own.state = ContainerState::kWaiting;
    own.next_start = {};
  }
  if (pod_.is_ending()) own.state = ContainerState::kExited;
  pod_.save(runtime::Durability::durable);
  const bool told_to = pod_.record().terminating || pod_.record().stopped || (own.sidecar && pod_.is_ending());
  const bool bad = status.code != 0 && !told_to;
  std::string message =
      "Container " + own.name + " ended: " + own.reason + ", exit code " + std::to_string(own.exit_code);
  if (!own.message.empty()) message = "Container " + own.name + " did not start: " + own.message;
  pod_.tell(bad ? Severity::kWarning : Severity::kNormal, "Exited", own.name, std::move(message),
            {{"reason", own.reason},
             {"exit_code", std::to_string(own.exit_code)},
             {"signal", std::to_string(own.exit_signal)},
             {"restarts", std::to_string(own.restarts)}});
  // Nothing of an attempt outlives its first process: in a PID namespace that is shared the kernel does not see to
  // that.
  kill_rest();
  // What ends for good needs no cgroup any more: its counters are in the record.
  if (own.state == ContainerState::kExited) (void)remove_cgroup();
  pod_.container_ended();
}

void Container::not_launched(const Error& error) {
  auto& own = record();
  own.waiting_reason = image_missing_ ? "ImageNotFound" : "CreateContainerError";
  const bool news = own.message != error.what;
  own.message = error.what;
  own.state = ContainerState::kWaiting;
  own.next_start = now() + kRetryLaunch;
  pod_.save(runtime::Durability::volatile_);
  if (news) pod_.tell(Severity::kWarning, own.waiting_reason, own.name, error.what);
  pod_.container_ended();
}

}  // namespace mete::agent
