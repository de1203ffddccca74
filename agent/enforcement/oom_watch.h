// SPDX-License-Identifier: Apache-2.0
// Turns OOM kills in a cgroup and the groups below it into events and forensic records, for containers of ours and
// cgroups of others. The kernel's notification wakes the watch. The kernel's counters say which kills there were; each
// is reported once (runtime/cgroup/memory/oom_kills.h).
//
// A wake-up only means that memory has run out: the victim may still be alive (v1: for 2 to 3 ms), and on v2 a group at
// its limit causes up to 100 wake-ups a second without a kill. So the counters are compared at each wake-up and, with
// growing delays, for about 4 s after it. A kill is handled in this order: the decision of enforcers/oom.h is carried
// out, the record is stored, the event is reported. On v1, and with memory_localevents, a limit that is reached in a
// group below causes no wake-up above it: the kernel's log reports such a kill at once, and a poll each second finds it
// without the log. A group in which the kernel finds no process that it may kill causes wake-ups without end. This is
// reported once; from then on the group is polled once a second
// (enforcers/oom_without_victim.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/kernel_log_watch.h"
#include "agent/enforcement/incident.h"
#include "agent/enforcement/subject.h"
#include "enforcers/oom.h"
#include "enforcers/oom_without_victim.h"
#include "runtime/cgroup/memory/oom_kills.h"

namespace mete::agent {

class MemoryEnforcer;

// The kills of a subject that are known already. A container keeps this account in its record, across restarts and new
// cgroups; a cgroup of others has it in memory from the time at which a policy took hold.
class OomAccount {
 public:
  virtual ~OomAccount() = default;
  // The kernel's counters at the last report: all kills that they count are known. Null: there is no cgroup to read.
  [[nodiscard]] virtual const runtime::cgroup::OomCounters* known() const = 0;
  // The action on the remaining processes after a kill, where no policy names one.
  [[nodiscard]] virtual enforcers::OomAction usual_action() const = 0;
  [[nodiscard]] virtual bool kernel_kills_group() const = 0;  // memory.oom.group is set
  // Enters new kills by scope; `counters` count these and all earlier kills. Called after the remaining processes were
  // killed, and before the kills are reported.
  using Scopes = std::map<std::string, std::uint64_t>;
  virtual void enter(const runtime::cgroup::OomCounters& counters, const Scopes& kills) = 0;
  // The number of kills that were entered.
  [[nodiscard]] virtual std::uint64_t total() const = 0;
  // The cgroup whose limit is reported with the scope "pod"; may be empty.
  [[nodiscard]] virtual std::string pod_cgroup() const = 0;
  // The command line of a process that ended before a snapshot was taken; empty: not known.
  [[nodiscard]] virtual std::string command_of(pid_t pid) const = 0;
  // Called once for each kill, after its record was stored and its event reported.
  virtual void reported(const ForensicRecord& record) = 0;
};

class OomWatch {
 public:
  // All arguments must outlive the object. `enforcer` is called at each wake-up, because a policy may decide before the
  // kernel kills.
  OomWatch(Enforcement& enforcement, Subject& subject, OomAccount& account, MemoryEnforcer& enforcer);

  // Begins to watch a cgroup that exists. v1: registers the kernel's notification. v2 has memory.events, which the
  // drift watch of the cgroup's directory passes on to woken(). `told_of_groups`: the caller calls group_made() for
  // each group that is made below this one, so that a group with none below it is not polled.
  void open(bool told_of_groups = false);
  void group_made();
  void close();
  void stop_polling();

  void woken();
  // Compares the counters now. A kill that may be part of the kill of a whole group is not reported yet.
  void poll() { poll(Unsettled::kWait); }
  // The same, and reports every kill that is seen: no later poll follows.
  void settle() { poll(Unsettled::kReport); }
  // Called when the kernel's log names a kill in the cgroup or below it.
  void killed_in_log(const KernelKill& kill);

 private:
  struct SeenProcess {
    collectors::ProcessMemory process;
    Moment at;
  };
  struct Kill {
    runtime::cgroup::OomKill counted;
    std::optional<KernelKill> logged;
    std::string scope;
  };
  enum class Unsettled : std::uint8_t { kWait, kReport };
  void poll(Unsettled unsettled);
  // The decision about the remaining processes, and its outcome.
  struct Done {
    enforcers::OomDecision decision;
    Outcome outcome;
  };
  Done act(std::uint64_t kills, std::uint64_t nested);
  std::optional<Done> act_by_counters(const std::vector<runtime::cgroup::OomKill>& kills);
  void report_kills(const std::vector<Kill>& kills, const runtime::cgroup::OomCounters& counters,
                    std::optional<Done> done);
  void await_event();
  void poll_later(std::chrono::microseconds delay);
  void poll_again();  // unless a poll is scheduled
  void take_snapshot();
  void snapshot_if_none();
  [[nodiscard]] Kill find_in_log(const runtime::cgroup::OomKill& counted);
  [[nodiscard]] std::string scope_of_kill(const Kill& kill) const;
  [[nodiscard]] std::vector<std::int32_t> seen_pids() const;
  [[nodiscard]] Trigger trigger_of(std::string_view rule) const;
  [[nodiscard]] ForensicRecord begin_oom_record(const Trigger& trigger) const;  // with the processes seen last
  void report_kill(const Kill& kill, const enforcers::OomDecision& decision, Outcome outcome, std::uint64_t number);
  void note_no_kill(std::optional<std::uint64_t> ooms);
  void report_no_victim(const enforcers::OomWithoutVictim::Found& found);
  void name_limit(const Kill& kill, ForensicRecord& record) const;
  void name_victim(const Kill& kill, ForensicRecord& record) const;
  void poll_below_later();

  Enforcement& enforcement_;
  Services& services_;
  Subject& subject_;
  OomAccount& account_;
  MemoryEnforcer& enforcer_;
  Descriptor event_;  // v1
  Timer timer_, below_timer_, pause_timer_;
  enforcers::OomWithoutVictim without_victim_;
  int polls_left_ = 0;
  bool reading_log_ = false;
  bool polls_below_ = false;     // kills in groups below cause no wake-up
  bool told_of_groups_ = false;  // see open()
  bool below_scheduled_ = false;
  Moment unsettled_since_{};        // since then kills are seen that are not reported yet
  Moment unsettled_reported_at_{};  // when such kills were reported as kills of single processes
  Moment woken_at_{};               // the wake-up for a kill that is not reported yet
  Moment snapshot_at_{};
  Moment group_killed_at_{};             // when the kill of a whole group was reported
  Moment kernel_woke_at_{};              // v1: the last wake-up: the group's own limit was reached, or an ancestor's
  std::uint64_t reported_unlogged_ = 0;  // kills that were reported before the kernel's log named them
  std::vector<SeenProcess> snapshot_;
  Alive alive_;
};

}  // namespace mete::agent
