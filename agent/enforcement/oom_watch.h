// SPDX-License-Identifier: Apache-2.0
// OOM kills in one cgroup and in those below it, of a container of ours or of others: woken by the kernel, counted by
// the kernel's counters, each kill reported once (runtime/cgroup/oom_kills.h).
//
// A wake-up says that memory has run out; the victim may still be alive (v1: 2 to 3 ms), and on v2 a group at its limit
// wakes up to 100 times a second without any kill. So the counters decide: they are compared at each wake-up and, with
// growing delays, for about 4 s after it. What enforcers/oom.h decides is carried out first, then the kill is
// recorded, then reported.
// On v1, and with memory_localevents, the limit of a group below wakes nobody above it: the kernel's log tells at once,
// a look each second besides.
// A group in which the kernel finds nobody that it may kill wakes without end: that is told once, and then it is looked
// at once a second (enforcers/oom_without_victim.h).
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
#include "runtime/cgroup/oom_kills.h"

namespace mete::agent {

class MemoryEnforcer;

// The account of kills that a subject keeps: what differs between a container, whose account is in its record and goes
// on over its cgroups, and a cgroup of others.
class OomAccount {
 public:
  virtual ~OomAccount() = default;
  // The kernel's counters up to which all kills are known; null: there is no cgroup to be read.
  [[nodiscard]] virtual const runtime::cgroup::OomCounters* known() const = 0;
  // Where no policy says what becomes of the rest after a kill.
  [[nodiscard]] virtual enforcers::OomAction usual_action() const = 0;
  [[nodiscard]] virtual bool kernel_kills_group() const = 0;  // memory.oom.group is set
  // Enters the kills, by their scope, that are all up to these counters. Called after what is left was killed, before
  // the kills are reported.
  using Scopes = std::map<std::string, std::uint64_t>;
  virtual void enter(const runtime::cgroup::OomCounters& counters, const Scopes& kills) = 0;
  // Of all kills that were entered.
  [[nodiscard]] virtual std::uint64_t total() const = 0;
  // The cgroup whose limit has the scope "pod"; may be empty.
  [[nodiscard]] virtual std::string pod_cgroup() const = 0;
  // The command line of a process that was gone before a snapshot could show it; empty: not known.
  [[nodiscard]] virtual std::string command_of(pid_t pid) const = 0;
  // Once for each kill, when its record and event are there.
  virtual void reported(const ForensicRecord& record) = 0;
};

class OomWatch {
 public:
  // All of them outlive it. `enforcer` is told of each wake-up: a policy may decide before the kernel kills.
  OomWatch(Enforcement& enforcement, Subject& subject, OomAccount& account, MemoryEnforcer& enforcer);

  // Of a cgroup that exists. v1: registers the kernel's notification. v2 has memory.events, which the drift watch of
  // the cgroup's directory passes on to woken().
  void open();
  void close();
  void stop_polling();

  void woken();
  // Compares the counters now. A kill that may be the first of a group's is not told yet.
  void poll() { poll(Unsettled::kWait); }
  // The same, and tells what there is: nobody will look again.
  void settle() { poll(Unsettled::kTell); }
  // The kernel's log names a kill in the cgroup, or below it.
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
  enum class Unsettled : std::uint8_t { kWait, kTell };
  void poll(Unsettled unsettled);
  // What was decided about those who are left, and what came of it.
  struct Done {
    enforcers::OomDecision decision;
    Outcome outcome;
  };
  Done act(std::uint64_t kills, std::uint64_t nested);
  std::optional<Done> act_by_counters(const std::vector<runtime::cgroup::OomKill>& kills);
  void tell(const std::vector<Kill>& kills, const runtime::cgroup::OomCounters& counters, std::optional<Done> done);
  void await_event();
  void poll_later(std::chrono::microseconds delay);
  void poll_again();  // if nobody does
  void take_snapshot();
  [[nodiscard]] Kill find_in_log(const runtime::cgroup::OomKill& counted);
  [[nodiscard]] std::string scope_of_kill(const Kill& kill) const;
  [[nodiscard]] std::vector<std::int32_t> seen_pids() const;
  [[nodiscard]] Trigger trigger_of(std::string_view rule) const;
  [[nodiscard]] ForensicRecord begin_oom_record(const Trigger& trigger) const;  // with the processes seen last
  void report_kill(const Kill& kill, const enforcers::OomDecision& decision, Outcome outcome, std::uint64_t number);
  void see_no_kill(std::optional<std::uint64_t> ooms);
  void report_no_victim(const enforcers::OomWithoutVictim::Found& found);
  void name_limit(const Kill& kill, ForensicRecord& record) const;
  void name_victim(const Kill& kill, ForensicRecord& record) const;
  void look_below_later();

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
  Moment unsettled_since_{};    // not told yet
  Moment unsettled_told_at_{};  // told as kills of processes
  Moment woken_at_{};           // of a kill that is not reported yet
  Moment snapshot_at_{};
  Moment group_killed_at_{};         // told then
  Moment kernel_woke_at_{};          // v1: its own limit was reached, or an ancestor's
  std::uint64_t told_unlogged_ = 0;  // the kernel's log had not named them when they were told
  std::vector<SeenProcess> snapshot_;
  Alive alive_;
};

}  // namespace mete::agent
