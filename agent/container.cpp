// SPDX-License-Identifier: Apache-2.0
#include "agent/container.h"

#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "agent/pod.h"
#include "agent/spawn.h"
#include "enforcers/limits.h"
#include "runtime/process/signals.h"
#include "runtime/file.h"
#include "runtime/process/process_id.h"

namespace mete::agent {
namespace {

constexpr auto kAdoptEvery = std::chrono::milliseconds(10);
constexpr int kAdoptTries = 3000;  // 30 s
constexpr auto kRetryLaunch = std::chrono::seconds(10);
constexpr int kLostCode = 255;  // as the kubelet reports an end that nobody saw

runtime::shim::TimePoint now() { return std::chrono::system_clock::now(); }

runtime::shim::AttemptFiles files_of(const Pod& pod, const ContainerRecord& record) {
  return runtime::shim::AttemptFiles(pod.directory() + "/containers/" + record.name + "/" + std::to_string(record.attempt));
}

runtime::cgroup::Group group_of(const Pod& pod, std::size_t index) {
  const auto& path = pod.cgroup().path();
  // The pod's path was checked, and names of containers are DNS labels.
  return *runtime::cgroup::Group::at(pod.cgroup().hierarchies(), path + "/" + pod.record().containers[index].name);
}

collectors::Sample sample_of(const std::string& text) {
  auto sample = collectors::from_text(text);
  return sample ? std::move(*sample) : collectors::Sample();
}

}  // namespace

Container::Container(Pod& pod, std::size_t index)
    : pod_(pod),
      index_(index),
      services_(pod.services()),
      cgroup_(group_of(pod, index)),
      stop_signal_(SIGTERM),
      shim_(services_.loop),
      ready_(services_.loop),
      oom_event_(services_.loop),
      oom_timer_(services_.loop),
      adopt_timer_(services_.loop) {
  base_ = std::make_shared<const collectors::Sample>(sample_of(record().base_sample));
}

Container::~Container() {
  close_cgroup();
  leave_gate();
}

ContainerRecord& Container::record() { return pod_.record().containers[index_]; }
const ContainerRecord& Container::record() const { return pod_.record().containers[index_]; }

const config::Container* Container::spec() const {
  if (pod_.plan() == nullptr) return nullptr;
  const auto& spec = pod_.plan()->pod.spec;
  const auto init = spec.init_containers.size();
  return index_ < init ? &spec.init_containers[index_] : &spec.containers[index_ - init];
}

std::string Container::log_path() const {
  const auto& pod = pod_.record();
  return services_.settings.logs() + "/" + pod.namespace_ + "_" + pod.name + "/" + record().name + ".log";
}

bool Container::is_active() const {
  return record().state == ContainerState::kStarting || record().state == ContainerState::kRunning;
}

Status Container::signal(int number) {
  if (record().state != ContainerState::kRunning) return fail("container " + record().name + ": found it " + to_string(record().state) + ", expected it running");
  METE_TRY(const runtime::UniqueFd process, runtime::process::open_pidfd(record().process));
  return runtime::process::send_signal(process, number);
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

void Container::ended() {
  const int shim = std::exchange(shim_pid_, 0);
  shim_.close();
  ready_.close();
  reap(shim);
  leave_gate();
  const auto files = files_of(pod_, record());
  const auto status = files.exit();
  if (status && *status) {
    finish(**status);
    return;
  }
  // Without its shim nobody writes the container's log or learns its status: it does not go on alone.
  kill();
  const auto started = files.started();
  if (started && *started) record().started_at = (*started)->at;
  runtime::shim::ExitStatus lost;
  lost.code = 128 + SIGKILL;
  lost.signal = SIGKILL;
  lost.at = now();
  finish(lost, "ShimLost");
}

void Container::finish(const runtime::shim::ExitStatus& status, const std::string& reason) {
  auto& own = record();
  check_oom();
  if (const auto last = read_kernel()) own.last_sample = collectors::to_text(*last);
  oom_timer_.cancel();
  own.exit_code = status.code;
  own.exit_signal = status.signal;
  own.finished_at = status.at;
  own.message = status.start_error;
  if (!status.start_error.empty()) own.started_at = own.finished_at;
  if (!reason.empty()) {
    own.reason = reason;
  } else if (!status.start_error.empty()) {
    own.reason = "StartError";
  } else if (own.oom_in_attempt && status.code != 0) {
    own.reason = "OOMKilled";
  } else {
    own.reason = status.code == 0 ? "Completed" : "Error";
  }
  note_end(own, pod_.restart_policy(), services_.settings.backoff);
  if (pod_.record().terminating || pod_.record().stopped) own.state = ContainerState::kExited;
  pod_.save(runtime::Durability::durable);
  const bool bad = status.code != 0 && !pod_.record().terminating && !pod_.record().stopped;
  std::string message = "Container " + own.name + " ended: " + own.reason + ", exit code " + std::to_string(own.exit_code);
  if (!own.message.empty()) message = "Container " + own.name + " did not start: " + own.message;
  pod_.tell(bad ? Severity::kWarning : Severity::kNormal, "Exited", own.name, std::move(message),
            {{"reason", own.reason}, {"exit_code", std::to_string(own.exit_code)}, {"signal", std::to_string(own.exit_signal)}, {"restarts", std::to_string(own.restarts)}});
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

void Container::adopt() {
  auto& own = record();
  const auto id = cgroup_.id();
  if (own.cgroup_id != 0 && (!id || *id != own.cgroup_id)) {
    fold_cgroup();
    pod_.save(runtime::Durability::durable);
  }
  if (spec() != nullptr) {
    const auto* policy = pod_.plan()->policy ? &*pod_.plan()->policy : nullptr;
    limits_ = enforcers::container_limits(*spec(), policy, services_.hierarchies);
    if (const auto image = services_.images.find(spec()->image)) {
      image_name_ = image->name;
      stop_signal_ = runtime::process::signal_number(image->config.stop_signal).value_or(SIGTERM);
    }
  }
  if (own.cgroup_id != 0) {
    open_cgroup();
    choose_oom_counter();
    check_oom();
    // A policy may have gone while no agent ran: what it alone had asked for is taken back. Where there was none the
    // files hold that already, or are not there.
    runtime::cgroup::Limits asked;
    if (!limits_.cpu_burst) asked.cpu_burst = std::chrono::microseconds(0);
    if (!limits_.pids) asked.pids = runtime::cgroup::Limit<std::uint64_t>();
    if (spec() != nullptr) (void)cgroup_.apply(asked);
    check_drift();
  }
  if (is_active()) adopt_attempt(kAdoptTries);
}

void Container::adopt_attempt(int tries_left) {
  auto& own = record();
  const auto files = files_of(pod_, own);
  const auto lock = files.try_lock();
  const bool shim_gone = !lock || lock->valid();
  const auto exit = files.exit();
  const auto started = files.started();
  if (shim_gone) {
    if (started && *started) own.started_at = (*started)->at;
    if (exit && *exit) {
      finish(**exit);
    } else if (pod_.record().boot_id != services_.boot_id) {
      runtime::shim::ExitStatus lost;
      lost.code = kLostCode;
      lost.at = now();
      finish(lost, "Unknown");
    } else if (started && *started) {
      ended();
    } else {
      // Recorded, but its shim was never started.
      own.state = ContainerState::kWaiting;
      own.next_start = {};
      pod_.container_ended();
    }
    return;
  }
  const auto shim = shim_of(files.lock());
  const bool known = shim && *shim && ((started && *started) || (exit && *exit));
  if (known) {
    if (auto pidfd = runtime::process::open_pidfd(**shim)) {
      if (started && *started) {
        own.state = ContainerState::kRunning;
        own.process = (*started)->id;
        own.started_at = (*started)->at;
        remember_command();
        pod_.container_started();
      }
      watch_shim(std::move(*pidfd));
      return;
    }
  }
  if (tries_left == 0) {
    pod_.tell(Severity::kWarning, "ShimStuck", own.name, "The shim of an earlier agent neither started nor failed in 30 s; it is killed");
    kill();
    if (shim && *shim) {
      if (const auto pidfd = runtime::process::open_pidfd(**shim)) (void)runtime::process::send_signal(*pidfd, SIGKILL);
    }
    tries_left = kAdoptTries;
  }
  adopt_timer_.expires_after(kAdoptEvery);
  adopt_timer_.async_wait(alive_.guard([this, tries_left] { adopt_attempt(tries_left - 1); }));
}

void Container::open_cgroup() {
  ++limit_changes_;
  if (!watches_.empty()) return;
  drift_given_up_ = false;
  watch_oom();
  for (const char* controller : {"cpu", "memory", "pids"}) {
    const std::string directory = cgroup_.directory(controller);
    if (directory.empty()) continue;
    // One watch a directory: foreign writes (IN_CLOSE_WRITE) and the kernel's own notices (IN_MODIFY).
    const auto watch = services_.files.watch(directory, IN_CLOSE_WRITE | IN_MODIFY, [this](std::string_view name, std::uint32_t mask) {
      if ((mask & IN_MODIFY) != 0 && name == "memory.events") oom_woken();
      if ((mask & (IN_CLOSE_WRITE | IN_Q_OVERFLOW)) == 0 || drift_check_posted_) return;
      if (name == "cgroup.procs" || name == "tasks" || name == "cgroup.event_control") return;
      drift_check_posted_ = true;
      asio::post(services_.loop, alive_.guard([this] { check_drift(); }));
    });
    if (watch && std::find(watches_.begin(), watches_.end(), *watch) == watches_.end()) watches_.push_back(*watch);
  }
}

void Container::close_cgroup() {
  for (const int watch : watches_) services_.files.forget(watch);
  watches_.clear();
  oom_event_.close();
  oom_timer_.cancel();
}

void Container::fold_cgroup() {
  auto& own = record();
  base_ = std::make_shared<const collectors::Sample>(collectors::add(*base_, sample_of(own.last_sample)));
  own.base_sample = collectors::to_text(*base_);
  own.last_sample.clear();
  own.oom_kills_base += own.oom_kills_told - own.oom_kills_from;
  own.oom_kills_from = 0;
  own.oom_kills_told = 0;
  own.cgroup_id = 0;
}

bool Container::remove_cgroup() {
  auto& own = record();
  if (own.cgroup_id != 0) {
    check_oom();
    // Not before it is empty: what still runs in it still counts.
    if (const auto populated = cgroup_.populated(); populated && *populated) return false;
    if (const auto last = read_kernel()) own.last_sample = collectors::to_text(*last);
    fold_cgroup();
    pod_.save(runtime::Durability::durable);
    close_cgroup();
  }
  return cgroup_.remove().has_value();
}

std::optional<collectors::Sample> Container::read_kernel() {
  if (record().cgroup_id == 0) return std::nullopt;
  auto sampler = collectors::CgroupSampler::open(services_.collection, cgroup_);
  if (!sampler || sampler->read() == collectors::CgroupSampler::Outcome::kGone) return std::nullopt;
  return sampler->sample();
}

collectors::Sample Container::read() {
  const auto live = read_kernel();
  return live ? collectors::add(*base_, *live) : *base_;
}

std::uint64_t Container::oom_kills() {
  const auto& own = record();
  if (own.cgroup_id == 0) return own.oom_kills_base;
  return own.oom_kills_base + oom_counter().value_or(own.oom_kills_told) - own.oom_kills_from;
}

void Container::apply_limits() {
  if (spec() == nullptr || record().cgroup_id == 0) return;
  const auto* policy = pod_.plan()->policy ? &*pod_.plan()->policy : nullptr;
  limits_ = enforcers::changed_limits(limits_, enforcers::container_limits(*spec(), policy, services_.hierarchies));
  choose_oom_counter();
  const auto applied = cgroup_.apply(limits_);
  services_.instruments.enforcement("limits", "apply", applied ? "done" : "failed");
  if (!applied) pod_.tell(Severity::kWarning, "LimitFailed", record().name, applied.error().what);
  ++limit_changes_;
}

void Container::check_drift() {
  drift_check_posted_ = false;
  if (spec() == nullptr || record().cgroup_id == 0 || drift_given_up_) return;
  const auto woken = std::chrono::steady_clock::now();
  const auto drifts = cgroup_.verify(limits_);
  if (!drifts || drifts->empty()) return;
  const auto applied = cgroup_.apply(limits_);
  const auto left = cgroup_.verify(limits_);
  const bool restored = applied && left && left->empty();
  // Our own writes wake this check again: what cannot be put back must not be tried for ever.
  drift_given_up_ = !restored;
  for (const auto& drift : *drifts) {
    services_.instruments.drift(drift.file);
    services_.instruments.enforcement("limits", "restore", restored ? "done" : "failed");
    pod_.tell(Severity::kWarning, "LimitDrift", record().name,
              drift.file + " of " + cgroup_.path() + " was changed to " + drift.found + " by somebody else; " +
                  (restored ? "it is put back to " : "it could not be put back to ") + drift.expected,
              {{"file", drift.file}, {"found", drift.found}, {"expected", drift.expected}});
  }
  services_.instruments.reaction("limits", std::chrono::steady_clock::now() - woken);
  ++limit_changes_;
}

}  // namespace mete::agent
