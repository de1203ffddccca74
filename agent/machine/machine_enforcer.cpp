// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/machine_enforcer.h"

#include <algorithm>
#include <cstdio>

#include "agent/base/spare_descriptors.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/incident.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/pods/container/container_subject.h"
#include "collectors/discovery/export_policy.h"
#include "runtime/cgroup/memory/memory.h"
#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using enforcers::Moment;

constexpr auto kSettles = std::chrono::seconds(2);
constexpr auto kTellAgain = std::chrono::seconds(10);
// Short enough to notice the end of a pressure window in time.
constexpr auto kWhilePressed = std::chrono::milliseconds(100);

std::string percent(Ratio share) {
  char text[32];
  std::snprintf(text, sizeof text, "%g%%", static_cast<double>(share.count()) / 1e4);
  return text;
}

// Parses "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234". The file counts microseconds; the result is nanoseconds.
std::optional<std::uint64_t> total_of(std::string_view pressure, std::string_view kind) {
  const auto line = pressure.find(kind);
  const auto total = line == std::string_view::npos ? line : pressure.find("total=", line);
  if (total == std::string_view::npos) return std::nullopt;
  const auto rest = pressure.substr(total + 6);
  const auto microseconds = runtime::cgroup::parse_u64(rest.substr(0, rest.find('\n')));
  return microseconds ? std::optional(*microseconds * 1000) : std::nullopt;
}

}  // namespace

void MachineEnforcer::start() {
  const auto& machine = services_.settings.config.machine;
  if (machine.reserve_memory == Bytes(0) && !machine.pressure) return;
  if (machine.pressure) {
    for (auto& stall : stalls_) stall.emplace(machine.pressure->over);
  }
  poll();
}

void MachineEnforcer::poll_after(std::chrono::nanoseconds delay) {
  timer_.expires_after(delay);
  timer_.async_wait(alive_.guard([this] { poll(); }));
}

void MachineEnforcer::poll() {
  const auto& machine = services_.settings.config.machine;
  const auto now = std::chrono::steady_clock::now();
  // MemAvailable of the whole machine: available_memory() has the reserve subtracted, and here it is added again.
  const Bytes available = enforcement_.available_memory() + machine.reserve_memory;
  rate_.see(now, Bytes(0) - available);
  auto delay = enforcers::next_look(available - machine.reserve_memory, rate_.bytes_per_second());
  const auto pressed = under_pressure(now);
  if (stalls_[0] && stalls_[0]->last() && stalls_[0]->last()->by > 0)
    delay = std::min<std::chrono::nanoseconds>(delay, kWhilePressed);
  const auto wanting = short_of_memory(available);
  if ((wanting || pressed) && (now >= settled_at_ || !still_ending())) {
    const std::string rule = wanting ? "machine.reserve.memory: " + std::to_string(machine.reserve_memory.count())
                                     : "machine.outOfMemory.pressure";
    end_somebody(rule, wanting ? *wanting : *pressed, now);
  }
  poll_after(delay);
}

std::optional<std::string> MachineEnforcer::short_of_memory(Bytes available) const {
  const Bytes reserve = services_.settings.config.machine.reserve_memory;
  if (reserve == Bytes(0) || available >= reserve) return std::nullopt;
  return "the machine has " + std::to_string(available.count()) + " bytes of memory available, less than the " +
         std::to_string(reserve.count()) + " reserved for the system";
}

std::optional<std::string> MachineEnforcer::under_pressure(Moment now) {
  const auto& pressure = services_.settings.config.machine.pressure;
  if (!pressure) return std::nullopt;
  const auto text = runtime::read_file(AT_FDCWD, "/proc/pressure/memory", 4096);
  if (!text) return std::nullopt;
  std::optional<std::string> found;
  const std::pair<const char*, std::optional<Ratio>> kinds[] = {{"some", pressure->some}, {"full", pressure->full}};
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    const auto& [kind, share] = kinds[i];
    const auto total = total_of(*text, kind);
    if (!total) continue;
    stalls_[i]->see(now, *total);
    const auto growth = stalls_[i]->growth();
    if (share && growth && enforcers::stalls(*growth, *share))
      found = std::string("memory pressure of the machine (") + kind + ") is at least " + percent(*share);
  }
  return found;
}

bool MachineEnforcer::still_ending() const {
  const auto group = runtime::cgroup::Group::at(services_.hierarchies, ending_.empty() ? "/" : ending_);
  const auto populated = group && !ending_.empty() ? group->populated() : Result<bool>(false);
  return populated && *populated;
}

std::string MachineEnforcer::protection_of(const Pod& pod) const {
  const auto& protect = services_.settings.config.machine.protect;
  const auto named = std::find_if(protect.begin(), protect.end(),
                                  [&](const auto& glob) { return collectors::matches(glob, pod.record().key()); });
  if (named != protect.end()) return "machine.outOfMemory.protect names " + *named;
  if (pod.plan() != nullptr && enforcers::priority_of(pod.plan()->pod.spec) >= enforcers::kCriticalPriority)
    return "its priority is critical";
  return "";
}

std::vector<MachineEnforcer::Chosen> MachineEnforcer::candidates() const {
  std::vector<Chosen> all;
  for (const auto& [key, pod] : reconciler_.pods()) {
    const std::string protection = protection_of(*pod);
    for (const auto& container : pod->containers()) {
      // A container that has died unnoticed frees no memory.
      const auto populated = container->cgroup().populated();
      if (container->record().state != ContainerState::kRunning || !populated || !*populated) continue;
      enforcers::OomCandidate candidate;
      candidate.name = container->subject().shown();
      candidate.priority = pod->plan() != nullptr ? enforcers::priority_of(pod->plan()->pod.spec) : 0;
      candidate.usage = runtime::cgroup::working_set(container->cgroup());
      if (container->spec() != nullptr)
        candidate.request = container->spec()->resources.requests.memory.value_or(Bytes(0));
      candidate.protected_by = protection;
      all.push_back({container.get(), std::move(candidate)});
    }
  }
  return all;
}

void MachineEnforcer::end_somebody(const std::string& rule, const std::string& because, Moment woken) {
  const SpareDescriptors spare;
  const auto all = candidates();
  std::vector<enforcers::OomCandidate> facts;
  facts.reserve(all.size());
  for (const auto& each : all) facts.push_back(each.candidate);
  const auto ranked = enforcers::rank(facts);
  if (ranked.empty() || !facts[ranked.front().index].protected_by.empty()) {
    if (woken - told_at_ < kTellAgain) return;
    told_at_ = woken;
    services_.instruments.enforcement("machine", "kill-container", "failed");
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kMachineOutOfMemory),
                          .message = because + "; there is no container that may be ended"});
    return;
  }
  const bool report_only = services_.settings.config.machine.report_only;
  if (report_only && woken - told_at_ < kTellAgain) return;
  told_at_ = woken;
  Container& victim = *all[ranked.front().index].container;
  Subject& subject = victim.subject();
  Trigger trigger{"machine", rule, because, woken};
  auto record = begin_record(subject, victim.enforcer(), enforcement_, trigger, victim.enforcer().history());
  record.scope = "host";
  record.processes = snapshot_of(victim.cgroup());
  for (std::size_t i = 0; i < ranked.size(); ++i)
    record.candidates.push_back({facts[ranked[i].index].name, ranked[i].reason, i == 0});
  Incident incident(subject, enforcement_, trigger, std::move(record));
  Status done;
  if (!report_only) {
    subject.killed_by_policy(name_of(Reason::kMachineOutOfMemory));
    done = subject.kill_all();
    incident.step("killed");
    ending_ = victim.cgroup().path();
    settled_at_ = woken + kSettles;
    // Stalls of the past are no reason for another kill: the whole of `for` must pass first.
    for (auto& stall : stalls_) {
      if (stall) stall->forget();
    }
  }
  const Outcome outcome = report_only ? Outcome::kDryRun : done ? Outcome::kDone : Outcome::kFailed;
  incident.finish(outcome, "kill-container", name_of(Reason::kMachineOutOfMemory),
                  because + "; of " + std::to_string(all.size()) + " containers " + subject.shown() +
                      " is the first to go (" + ranked.front().reason + "): " + std::string(to_string(outcome)),
                  done ? "" : done.error().what);
}

}  // namespace mete::agent
