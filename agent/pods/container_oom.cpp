// SPDX-License-Identifier: Apache-2.0
// OOM in a container: woken by the kernel, counted by the kernel's counter, told once for each kill.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/base/spare_descriptors.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/pods/container.h"
#include "agent/pods/container_subject.h"
#include "agent/pods/pod.h"
#include "enforcers/oom.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

constexpr std::size_t kSnapshotProcesses = 128;  // what is remembered of a moment ago included
constexpr auto kSnapshotEvery = std::chrono::milliseconds(100);
// On v1 the wake-up comes before the kill, 2 to 3 ms as a rule: so for 5 ms the counter is looked at often. On v2 they
// come together, and again and again while a container stays at its limit.
constexpr auto kFirstCheck = std::chrono::microseconds(500);
constexpr int kChecksInARow = 10;
constexpr int kChecks = kChecksInARow + 13;  // doubling: the last after about 4 s
// On v2 the wake-ups of one kill are up to 10 ms apart, and at a later one the victim has no command line any more.
constexpr auto kRememberVictim = std::chrono::seconds(1);

// What cannot be synced (the pod is gone) need not be.
void sync_record(const std::string& directory) {
  for (const std::string& path : {directory + "/record.json", directory}) {
    const runtime::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.valid()) (void)::fsync(file.get());
  }
}

}  // namespace

void Container::watch_oom() {
  oom_event_.close();
  auto event = cgroup_.oom_eventfd();
  if (!event) return;  // memory is on v2, where memory.events is watched with its directory
  oom_event_.assign(event->release());
  oom_event_.async_wait(asio::posix::stream_descriptor::wait_read, alive_.guard([this] { oom_woken(); }));
}

void Container::oom_woken() {
  if (oom_event_.is_open()) {
    std::uint64_t times = 0;
    (void)!::read(oom_event_.native_handle(), &times, sizeof times);
    oom_event_.async_wait(asio::posix::stream_descriptor::wait_read, alive_.guard([this] { oom_woken(); }));
  }
  const SpareDescriptors spare;
  const auto now = std::chrono::steady_clock::now();
  oom_woken_at_ = now;
  // On v2 a container at its limit is told of 100 times a second without a kill. The counter is looked at each time;
  // the processes were, a moment ago.
  if (oom_event_.is_open() || now - snapshot_at_ >= kSnapshotEvery) {
    snapshot_at_ = now;
    take_snapshot();
  }
  oom_checks_left_ = kChecks;
  if (!oom_event_.is_open()) oom_checks_left_ -= kChecksInARow;
  check_oom_later(kFirstCheck);
  check_oom();
  enforcer_->out_of_memory(now);
}

void Container::check_oom_later(std::chrono::microseconds delay) {
  if (oom_checks_left_-- <= 0) return;
  oom_timer_.expires_after(delay);
  oom_timer_.async_wait(alive_.guard([this, delay] {
    check_oom();
    check_oom_later(oom_checks_left_ > kChecks - kChecksInARow ? delay : delay * 2);
  }));
}

void Container::remember_command() {
  first_command_ = collectors::command_line_of(
      runtime::read_file(AT_FDCWD, "/proc/" + std::to_string(record().process.pid) + "/cmdline", 64U << 10U)
          .value_or(std::string()));
}

void Container::take_snapshot() {
  const auto now = std::chrono::steady_clock::now();
  const auto before = std::exchange(snapshot_, {});
  for (auto& each : snapshot_of(cgroup_)) snapshot_.push_back({std::move(each), now});
  for (const auto& old : before) {
    if (snapshot_.size() >= kSnapshotProcesses) break;
    const bool seen = std::any_of(snapshot_.begin(), snapshot_.end(),
                                  [&](const auto& each) { return each.process.pid == old.process.pid; });
    if (!seen && now - old.at < kRememberVictim) snapshot_.push_back(old);
  }
}

Result<std::uint64_t> Container::oom_counter() const {
  METE_TRY(const auto kills, cgroup_.oom_kills());
  return kills.count(record().oom_by_group);
}

// A changed policy can change memory.oom.group, and with it which of the kernel's counters says how often the container
// was hit. The total goes on in the new counter from where it is. Called before the limit is written: the record alone
// says which counter is meant, so an agent that dies in between counts on rightly.
void Container::choose_oom_counter() {
  auto& own = record();
  const bool by_group = limits_.oom_group.value_or(false);
  if (own.oom_by_group == by_group) return;
  check_oom();
  const auto kills = cgroup_.oom_kills();
  if (!kills) return;
  own.oom_kills_base += own.oom_kills_told - own.oom_kills_from;
  own.oom_by_group = by_group;
  own.oom_kills_from = own.oom_kills_told = kills->count(by_group);
  pod_.save(runtime::Durability::durable);
}

void Container::check_oom() {
  auto& own = record();
  if (own.cgroup_id == 0) return;
  const SpareDescriptors spare;
  const auto kills = oom_counter();
  if (!kills) return;
  enforcers::OomObservation seen;
  seen.kills_before = own.oom_kills_told;
  seen.kills_now = *kills;
  if (*kills <= own.oom_kills_told) return;
  seen.processes_left = cgroup_.populated().value_or(false);
  seen.kernel_kills_group = limits_.oom_group.value_or(false);
  const auto decision = enforcers::decide_oom(seen, policy());
  const bool done = !decision.kill_rest || cgroup_.kill_all().has_value();
  own.oom_kills_told = *kills;
  own.oom_in_attempt = true;
  // Should the agent die, this is enough. For a power failure it must be on disk, which takes milliseconds, and so
  // nobody waits for it.
  pod_.save(runtime::Durability::volatile_);
  tell_oom(decision, done);
  services_.workers.run([directory = pod_.directory()] { sync_record(directory); }, [] {});
  oom_checks_left_ = 0;
}

void Container::tell_oom(const enforcers::OomDecision& decision, bool done) {
  const auto& own = record();
  std::vector<std::int32_t> pids;
  pids.reserve(snapshot_.size());
  for (const auto& each : snapshot_) pids.push_back(each.process.pid);
  Trigger trigger;
  trigger.enforcer = "oom";
  trigger.rule = "kernel OOM kill";
  trigger.woken = oom_woken_at_ == std::chrono::steady_clock::time_point() ? std::chrono::steady_clock::now()
                                                                           : std::exchange(oom_woken_at_, {});
  const Outcome outcome = decision.outcome == enforcers::OomOutcome::kDryRun ? Outcome::kDryRun
                          : done                                             ? Outcome::kDone
                                                                             : Outcome::kFailed;
  const std::string action(to_string(decision.action));
  for (std::uint64_t i = 0; i < decision.new_kills; ++i) {
    const auto kill = services_.kernel_log.take(cgroup_.path(), pids);
    auto forensic = begin_record(*subject_, *enforcer_, enforcement_, trigger, enforcer_->history());
    for (const auto& each : snapshot_) forensic.processes.push_back(each.process);
    if (decision.kill_rest)
      forensic.steps.emplace_back("the rest of the container killed", std::chrono::steady_clock::now() - trigger.woken);
    name_victim(kill, forensic);
    if (forensic.scope != "container") ++pod_.record().containers[index_].oom_kills_by_scope[forensic.scope];
    // Usage has gone with the victim: the most that it was says more.
    if (forensic.peak) forensic.usage = forensic.peak;
    const std::string pid = forensic.victim ? std::to_string(*forensic.victim) : "unknown";
    const std::string limit = forensic.limit ? std::to_string(forensic.limit->count()) : "none";
    const std::string usage = std::to_string(forensic.usage.value_or(Bytes(0)).count());
    std::string message = "The kernel killed process ";
    message.append(pid)
        .append(" (")
        .append(forensic.victim_command)
        .append(") of container ")
        .append(own.name)
        .append(": memory limit ")
        .append(limit);
    message.append(" bytes, usage ")
        .append(usage)
        .append(" bytes; policy ")
        .append(action)
        .append(": ")
        .append(to_string(outcome));
    EventFields more = {{"pid", pid},
                        {"command", forensic.victim_command},
                        {"scope", forensic.scope},
                        {"kills", std::to_string(own.oom_kills_base + own.oom_kills_told - own.oom_kills_from -
                                                 decision.new_kills + i + 1)}};
    if (!forensic.limit) more.emplace_back("limit", limit);
    if (forensic.usage == std::nullopt) more.emplace_back("usage", usage);
    Incident incident(*subject_, enforcement_, trigger, std::move(forensic));
    incident.finish(outcome, action, "OOMKilled", std::move(message), {}, std::move(more));
    // Exemplars lead from the counter to the record: `mete oom show ID`.
    last_oom_ = std::make_shared<const collectors::Exemplar>(
        collectors::Exemplar{collectors::LabelBlock{{"record", incident.record().id}, {"pid", pid}}, std::uint64_t{1},
                             std::chrono::system_clock::now()});
  }
  snapshot_.clear();
}

// By the kernel's log when it told; else the largest of those that were seen.
void Container::name_victim(const std::optional<KernelKill>& kill, ForensicRecord& forensic) const {
  const auto& processes = forensic.processes;
  const auto victim =
      kill ? std::find_if(processes.begin(), processes.end(), [&](const auto& each) { return each.pid == kill->pid; })
           : std::max_element(processes.begin(), processes.end(),
                              [](const auto& a, const auto& b) { return a.rss < b.rss; });
  const bool seen = victim != processes.end();
  if (kill) {
    forensic.victim = kill->pid;
    forensic.scope = scope_of(*kill, cgroup_.path(), pod_.cgroup().path());
  } else if (seen) {
    forensic.victim = victim->pid;
  }
  const bool named = seen && !victim->command.empty() && victim->command.front() != '[';
  forensic.victim_command = named                                                                  ? victim->command
                            : kill && kill->pid == record().process.pid && !first_command_.empty() ? first_command_
                            : kill                                                                 ? kill->task
                            : seen                                                                 ? victim->command
                                                                                                   : "unknown";
}

}  // namespace mete::agent
