// SPDX-License-Identifier: Apache-2.0
// From the moment an attempt runs to its end.
#include "agent/pods/container/attempt.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "agent/base/readable.h"
#include "agent/base/spawn.h"
#include "agent/pods/container/launch_plan.h"
#include "agent/pods/container/restart_rules.h"
#include "agent/pods/container/termination_message.h"
#include "agent/pods/pod.h"
#include "runtime/file.h"
#include "runtime/process/process_id.h"
#include "runtime/shim/watchdog.h"

namespace mete::agent {
namespace {

constexpr auto kRetryLaunch = std::chrono::seconds(10);
// From the process' end to the shim's is milliseconds.
constexpr auto kShimPatience = std::chrono::seconds(2);

runtime::shim::TimePoint now() {
  return std::chrono::system_clock::now();
}

// `by_policy`: why a policy has ended it; empty: none has said.
std::string end_reason(const ContainerRecord& own, const runtime::shim::ExitStatus& status,
                       const std::string& by_policy) {
  if (!by_policy.empty()) return by_policy;
  if (own.killed_by_policy && status.code == 128 + SIGKILL) return "PolicyKilled";
  if (!status.start_error.empty()) return "StartError";
  // A process that the kernel kills ends by SIGKILL, and a shell passes that on as its own exit code. A container that
  // outlives the kill of a child and ends otherwise later has another reason.
  if (own.oom_in_attempt && status.code == 128 + SIGKILL) return "OOMKilled";
  return status.code == 0 ? "Completed" : "Error";
}

}  // namespace

Attempt::Attempt(const ContainerSlot& slot, ContainerCgroup& cgroup, Subject& subject)
    : slot_(slot),
      services_(slot.services()),
      cgroup_(cgroup),
      subject_(subject),
      stop_signal_(SIGTERM),
      shim_(services_.loop),
      ready_(services_.loop),
      process_(services_.loop),
      adopt_timer_(services_.loop),
      shim_timer_(services_.loop),
      restart_timer_(services_.loop),
      pre_stop_(services_.loop),
      probes_(slot, [this](std::chrono::seconds grace, bool restart) { end_unwell(grace, restart); }) {}

Attempt::~Attempt() {
  leave_gate();
}

bool Attempt::is_active() const {
  const auto state = slot_.record().state;
  return state == ContainerState::kStarting || state == ContainerState::kRunning;
}

Status Attempt::signal(int number) {
  const auto& own = slot_.record();
  if (own.state != ContainerState::kRunning)
    return fail("container " + own.name + ": found it " + to_string(own.state) + ", expected it running");
  METE_TRY(const runtime::UniqueFd process, runtime::process::open_pidfd(own.process));
  return runtime::process::send_signal(process, number);
}

void Attempt::ask_to_end(std::chrono::nanoseconds grace) {
  const auto& own = slot_.record();
  probes_.ending();
  const bool has_time = grace > std::chrono::nanoseconds(0);
  if (!own.pre_stop || pre_stopped_ || !has_time) {
    pre_stop_.cancel();
    // Who has no time is killed at once, as by containerd: a signal would only wake it.
    if (has_time) (void)signal(stop_signal_);
    return;
  }
  pre_stop_.run([this] { return probes_.make_hook(*slot_.record().pre_stop); }, grace,
                [this](const std::string& failure) {
                  pre_stopped_ = true;
                  // The kubelet's name for it.
                  if (!failure.empty())
                    slot_.warn(Reason::kFailedPreStopHook, "The preStop hook of container " + slot_.record().name +
                                                               " failed: " + failure +
                                                               "; it is told to end all the same");
                  (void)signal(stop_signal_);
                });
}

Status Attempt::restart(const std::string& reason) {
  auto& own = slot_.record();
  if (own.state != ContainerState::kRunning)
    return fail("container " + own.name + ": found it " + to_string(own.state) + ", expected it running");
  if (own.restart_wanted) return {};  // it is on its way
  if (const auto process = runtime::process::open_pidfd(own.process); !process) return tl::unexpected(process.error());
  own.restart_wanted = true;
  own.end_reason = reason;
  // Recorded first: should the agent die now, the next one knows that an end that was asked for here is no end for
  // good.
  slot_.save(runtime::Durability::volatile_);
  end_within(slot_.pod().record().grace);
  return {};
}

void Attempt::end_unwell(std::chrono::seconds grace, bool restart) {
  auto& own = slot_.record();
  if (own.state != ContainerState::kRunning || own.restart_wanted || own.end_within) return;  // it is on its way
  own.end_within = grace;
  own.unwell = restart;
  slot_.save(runtime::Durability::volatile_);  // first, as for a restart
  end_within(grace);
}

void Attempt::end_within(std::chrono::seconds grace) {
  ask_to_end(grace);
  restart_timer_.expires_after(grace);
  restart_timer_.async_wait(alive_.guard([this] { cgroup_.kill(); }));
}

void Attempt::give_up_shim() {
  const auto populated = cgroup_.group().populated();
  if (!shim_.is_open() || (populated && *populated)) return;
  ::syscall(SYS_pidfd_send_signal, shim_.native_handle(), SIGKILL, nullptr, 0);
}

void Attempt::wake_shim() {
  if (shim_.is_open())
    ::syscall(SYS_pidfd_send_signal, shim_.native_handle(), runtime::shim::kFilesChanged, nullptr, 0);
}

void Attempt::running(const runtime::shim::Started& started) {
  auto& own = slot_.record();
  own.state = ContainerState::kRunning;
  own.process = started.id;
  own.started_at = started.at;
  own.waiting_reason.clear();
  own.message.clear();
  cgroup_.watch().oom_record().remember_command();
}

void Attempt::watch_process() {
  shim_stuck_reported_ = false;
  auto pidfd = runtime::process::open_pidfd(slot_.record().process);
  if (!pidfd) {
    asio::post(services_.loop, alive_.guard([this] { process_ended(); }));
    return;
  }
  process_.close();
  process_.assign(pidfd->release());
  when_readable(alive_, process_, [this] { process_ended(); });
}

void Attempt::process_ended() {
  process_.close();
  if (!shim_.is_open()) return;
  // In a PID namespace that it shares, the others do not end with it, and would keep its log and its shim open.
  kill_rest();
  wait_for_shim();
}

void Attempt::kill_rest() {
  if (!slot_.pod().shares_processes()) return;
  if (const auto populated = cgroup_.group().populated(); populated && *populated) cgroup_.kill();
}

void Attempt::wait_for_shim() {
  shim_timer_.expires_after(kShimPatience);
  shim_timer_.async_wait(alive_.guard([this] {
    if (!shim_.is_open()) return;
    // If the agent cannot write here either, the shim waits for the same reason.
    const std::string probe = slot_.files().directory() + "/probe";
    const auto tried = runtime::replace_file(probe, "x", 0600, runtime::Durability::volatile_);
    if (tried) (void)::unlink(probe.c_str());
    if (!tried && !std::exchange(shim_stuck_reported_, true))
      slot_.warn(Reason::kExitNotSaved, "Container " + slot_.record().name +
                                            " has ended, but its exit status cannot be written: " + tried.error().what);
    wait_for_shim();
  }));
}

void Attempt::ended() {
  const int shim = std::exchange(shim_pid_, 0);
  shim_.close();
  ready_.close();
  process_.close();
  shim_timer_.cancel();
  reap(shim);
  leave_gate();
  const auto files = slot_.files();
  const auto status = files.exit();
  if (status && *status) return finish(**status);
  const auto started = files.started();
  // Without its shim nobody writes the container's log or learns its status: it does not go on alone.
  cgroup_.kill();
  if (!started || !*started) {
    // Killed, or on a disk so full that it could not even say so.
    return not_launched(Error{0, "mete-shim ended before it had started the container, and could not say why"});
  }
  slot_.record().started_at = (*started)->at;
  runtime::shim::ExitStatus lost;
  lost.code = 128 + SIGKILL;
  lost.signal = SIGKILL;
  lost.at = now();
  finish(lost, "ShimLost");
}

void Attempt::finish(const runtime::shim::ExitStatus& status, const std::string& reason) {
  auto& own = slot_.record();
  auto& pod = slot_.pod();
  cgroup_.watch().oom().settle();
  auto& counters = cgroup_.counters();
  pod.goes_with(own.name) ? counters.drop() : counters.keep_last();
  cgroup_.watch().oom().stop_polling();
  restart_timer_.cancel();
  pre_stop_.cancel();
  probes_.ended();
  own.exit_code = status.code;
  own.exit_signal = status.signal;
  own.finished_at = status.at;
  own.message = status.start_error;
  const auto* const spec = slot_.spec();
  own.last_message = termination_message({.file = slot_.files().termination_log(),
                                          .log = pod.paths().log(own.name),
                                          .log_on_error = spec != nullptr && spec->message_from_log_on_error,
                                          .exit_code = status.code});
  own.waiting_reason.clear();
  if (!status.start_error.empty()) own.started_at = own.finished_at;
  const std::string by_policy = std::exchange(own.end_reason, {});
  own.reason = reason.empty() ? end_reason(own, status, by_policy) : reason;
  take_end(pod.record(), own, pod.restart_policy(), spec, services_.settings.backoff);
  if (std::exchange(own.restart_wanted, false)) {
    own.state = ContainerState::kWaiting;
    own.next_start = {};
  }
  if (pod.is_ending()) own.state = ContainerState::kExited;
  if (own.state == ContainerState::kWaiting) ++own.restarts_in_row;
  // Nothing of an attempt outlives its first process: in a PID namespace that is shared the kernel does not see to
  // that.
  kill_rest();
  if (own.state == ContainerState::kWaiting && !pod.shares_processes()) give_quota();
  // A container that has ended for good needs no cgroup. Its counters, and with them the end, go to the record first.
  // Until that is saved the shim's file tells the end.
  const bool had_cgroup = own.cgroup_id != 0;
  // That of a deleted pod is removed with the pod.
  if (own.state == ContainerState::kExited) (void)(pod.record().terminating ? cgroup_.retire() : cgroup_.remove());
  const bool saved = had_cgroup && own.cgroup_id == 0;
  // Nobody asks any more how one ended that goes with its pod; should the agent die now, the shim's file tells it.
  if (!saved && !pod.goes_with(own.name)) slot_.save(runtime::Durability::durable);
  report_end(status);
  pod.container_ended();
}

// What was killed is gone: until the next start its limits are told as they are asked for.
void Attempt::give_quota() {
  cgroup_.limits().give_quota();
  if (const auto given = slot_.pod().give_quota(); !given && !runtime::cgroup::is_gone(given.error()))
    slot_.warn(Reason::kLimitFailed, given.error().what);
}

void Attempt::report_end(const runtime::shim::ExitStatus& status) {
  const auto& own = slot_.record();
  const auto& pod = slot_.pod();
  const bool told_to = pod.is_being_ended() || (own.sidecar && pod.is_ending());
  const bool bad = status.code != 0 && !told_to;
  std::string message =
      "Container " + own.name + " ended: " + own.reason + ", exit code " + std::to_string(own.exit_code);
  if (!own.message.empty()) message = "Container " + own.name + " did not start: " + own.message;
  slot_.report(bad ? Severity::kWarning : Severity::kNormal, name_of(Reason::kExited), std::move(message),
               {{"reason", own.reason},
                {"exit_code", std::to_string(own.exit_code)},
                {"signal", std::to_string(own.exit_signal)},
                {"restarts", std::to_string(own.restarts)}});
}

void Attempt::not_launched(const Error& error) {
  Reason reason = error.code == kConfigError ? Reason::kCreateContainerConfigError : Reason::kCreateContainerError;
  if (image_missing_) reason = Reason::kImageNotFound;
  wait_for(reason, name_of(reason), error.what);
}

void Attempt::wait_for(Reason event, const std::string& waiting, const std::string& message) {
  wait_for(ImageWait{event, waiting, message, kRetryLaunch});
}

void Attempt::wait_for(const ImageWait& wait) {
  const auto& [event, waiting, message, again] = wait;
  auto& own = slot_.record();
  own.waiting_reason = waiting;
  const bool news = own.message != message;
  own.message = message;
  own.state = ContainerState::kWaiting;
  own.next_start = now() + again;
  slot_.save(runtime::Durability::volatile_);
  if (news && event) slot_.warn(*event, message);
  slot_.pod().container_ended();
}

}  // namespace mete::agent
