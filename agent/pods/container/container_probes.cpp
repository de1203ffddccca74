// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/container_probes.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "agent/networks/networks.h"
#include "agent/pods/pod.h"
#include "runtime/process/process_id.h"

namespace mete::agent {
namespace {

// A postStart hook has no limit in Kubernetes; the container waits as long as it takes.
constexpr auto kLongestHook = std::chrono::hours(24);

// Whether the process is in the agent's own network namespace. Asked of the kernel: the manifest may be gone.
bool is_in_own_network(pid_t pid) {
  struct stat own {};
  struct stat of_process {};
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  return ::stat("/proc/self/ns/net", &own) == 0 && ::stat(path.c_str(), &of_process) == 0 &&
         own.st_ino == of_process.st_ino && own.st_dev == of_process.st_dev;
}

}  // namespace

ContainerProbes::ContainerProbes(const ContainerSlot& slot, EndContainer end_container)
    : slot_(slot), end_container_(std::move(end_container)), post_start_(slot.services().loop) {}

ContainerProbes::~ContainerProbes() = default;

const ProbeCounts& ContainerProbes::counts(ProbeKind kind) const {
  static const ProbeCounts kNone;
  const One* const each = find(kind);
  return each == nullptr ? kNone : each->counts;
}

ContainerProbes::One& ContainerProbes::one(ProbeKind kind) {
  auto& each = probes_.at(static_cast<std::size_t>(kind));
  if (each == nullptr) each = std::make_unique<One>();
  return *each;
}

// The network is that of the process: a pidfd names it without holding it.
const ProbePlace& ContainerProbes::place() {
  const auto& own = slot_.record();
  if (place_ && place_->process == own.process && own.process.pid != 0) return *place_;
  place_ = ProbePlace{slot_.files().directory(), own.process, {}, {}};
  const auto addresses = slot_.pod().networks().addresses(slot_.pod().record().uid);
  if (!addresses.empty()) place_->address = addresses.front();
  if (is_in_own_network(own.process.pid)) return *place_;
  // Of a process that has ended meanwhile there is none, and nothing is asked: the machine's network is another one.
  place_->network = std::make_shared<const runtime::UniqueFd>(
      runtime::process::open_pidfd(own.process).value_or(runtime::UniqueFd()));
  return *place_;
}

std::shared_ptr<ProbeRun> ContainerProbes::make_hook(const config::HookAction& action) {
  return make_hook_run(slot_.services(), place(), action);
}

void ContainerProbes::running() {
  const auto age = std::chrono::system_clock::now() - slot_.record().started_at;
  started_at_ = std::chrono::steady_clock::now() -
                std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::max(age, age.zero()));
  const auto* const spec = slot_.spec();
  if (spec == nullptr) return;  // until the manifest is here, what the record says holds
  begun_ = true;
  in_running_ = true;
  begin_care(*spec);
  in_running_ = false;
}

void ContainerProbes::begin_care(const config::Container& spec) {
  if (slot_.record().post_started || !spec.post_start) return post_started();
  // An agent that died meanwhile is no reason to leave it out: Kubernetes promises at least one run.
  post_start_.run([&] { return make_hook(*spec.post_start); }, kLongestHook,
                  [this](const std::string& failure) {
                    if (failure.empty()) return post_started();
                    slot_.warn(Reason::kFailedPostStartHook, "The postStart hook of container " + slot_.record().name +
                                                                 " failed: " + failure + "; it is ended");
                    end_container_(slot_.pod().record().grace, false);
                  });
}

void ContainerProbes::post_started() {
  auto& own = slot_.record();
  const bool was = std::exchange(own.post_started, true);
  const auto* const spec = slot_.spec();
  if (!own.started && spec->startup) {
    begin(ProbeKind::kStartup, *spec->startup, health_at_first(ProbeKind::kStartup), !was);
    if (!was) save_and_tell();
    return;
  }
  started(!was);
}

void ContainerProbes::started(bool now) {
  auto& own = slot_.record();
  const bool was = std::exchange(own.started, true);
  const auto* const spec = slot_.spec();
  if (spec->liveness) begin(ProbeKind::kLiveness, *spec->liveness, Health::kWell, now && !spec->startup);
  if (spec->readiness) {
    begin(ProbeKind::kReadiness, *spec->readiness, own.ready ? Health::kWell : Health::kUnwell, now);
  } else {
    own.ready = true;
  }
  if (!was) save_and_tell();
}

void ContainerProbes::save_and_tell() {
  if (in_running_) return;
  slot_.save(runtime::Durability::volatile_);
  slot_.pod().container_started();
}

bool ContainerProbes::asks(ProbeKind kind, const Box<config::Probe>& probe) const {
  const One* const each = find(kind);
  const bool asked = each != nullptr && each->prober != nullptr;
  return probe ? asked && each->probe == *probe : !asked;
}

void ContainerProbes::take_changes() {
  const auto& own = slot_.record();
  const auto* const spec = slot_.spec();
  if (own.state != ContainerState::kRunning || own.end_within || own.restart_wanted || spec == nullptr) return;
  if (!begun_) {
    running();
    return save_and_tell();
  }
  if (!own.post_started) return;
  if (!own.started) {
    if (!asks(ProbeKind::kStartup, spec->startup)) post_started();
    return;
  }
  const auto take = [&](ProbeKind kind, const Box<config::Probe>& probe, Health from) {
    if (asks(kind, probe)) return false;
    one(kind).prober.reset();
    if (probe) begin(kind, *probe, from, true);
    return true;
  };
  (void)take(ProbeKind::kLiveness, spec->liveness, Health::kWell);
  const bool other = take(ProbeKind::kReadiness, spec->readiness, own.ready ? Health::kWell : Health::kUnwell);
  if (other && !spec->readiness) set_ready(true);
}

void ContainerProbes::begin(ProbeKind kind, const config::Probe& probe, Health from, bool now) {
  One& each = one(kind);
  each.prober.reset();
  each.probe = probe;
  each.told.clear();
  each.prober = std::make_unique<Prober>(
      slot_.services().loop, each.probe, each.counts,
      Prober::Calls{.make = [this, kind] { return make_probe_run(slot_.services(), place(), one(kind).probe.action); },
                    .outcome = [this, kind](const ProbeOutcome& outcome) { this->outcome(kind, outcome); },
                    .changed = [this, kind](Health health, const ProbeOutcome&) { changed(kind, health); },
                    .late = [this](std::chrono::nanoseconds late) { slot_.services().instruments.probe_late(late); }});
  each.prober->begin(from, started_at_, now);
}

void ContainerProbes::stop(ProbeKind kind) {
  if (const One* const each = find(kind); each != nullptr && each->prober) each->prober->stop();
}

void ContainerProbes::ending() {
  stop(ProbeKind::kStartup);
  stop(ProbeKind::kLiveness);
  post_start_.cancel();
}

void ContainerProbes::ended() {
  ending();
  stop(ProbeKind::kReadiness);
  place_.reset();
  begun_ = false;
  auto& own = slot_.record();
  own.started = own.ready = own.post_started = false;
}

// Equal failures are told again only after the probe was well, and never more than the budget allows.
void ContainerProbes::outcome(ProbeKind kind, const ProbeOutcome& outcome) {
  One& each = one(kind);
  const std::string message = told_text(outcome.message);
  if (outcome.result == ProbeResult::kSuccess) return each.told.clear();
  if (message == each.told || !each.budget.take(std::chrono::steady_clock::now().time_since_epoch())) return;
  each.told = message;
  const char* what = outcome.result == ProbeResult::kWarning   ? " probe warning: "
                     : outcome.result == ProbeResult::kFailure ? " probe failed: "
                                                               : " probe errored: ";
  slot_.warn(outcome.result == ProbeResult::kWarning ? Reason::kProbeWarning : Reason::kUnhealthy,
             std::string(to_string(kind)) + what + message);
}

void ContainerProbes::changed(ProbeKind kind, Health health) {
  if (kind == ProbeKind::kReadiness) return set_ready(health == Health::kWell);
  if (health == Health::kUnwell) return unwell(kind);
  if (kind != ProbeKind::kStartup) return;
  stop(kind);
  started(true);
}

void ContainerProbes::set_ready(bool ready) {
  if (std::exchange(slot_.record().ready, ready) != ready) slot_.save(runtime::Durability::volatile_);
}

void ContainerProbes::unwell(ProbeKind kind) {
  const auto& own = slot_.record();
  const bool restarts =
      own.sidecar || own.restart.value_or(slot_.pod().restart_policy()) != config::RestartPolicy::kNever;
  slot_.report(Severity::kNormal, name_of(Reason::kKilling),
               "Container " + own.name + " failed " + (kind == ProbeKind::kStartup ? "startup" : "liveness") +
                   " probe" + (restarts ? ", will be restarted" : ""));
  end_container_(one(kind).probe.grace.value_or(slot_.pod().record().grace), true);
}

}  // namespace mete::agent
