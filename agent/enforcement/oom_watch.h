// SPDX-License-Identifier: Apache-2.0
// OOM kills in one cgroup, of a container of ours or of others: woken by the kernel, counted by the kernel's counter,
// each kill reported once.
//
// A wake-up says that memory has run out; the victim may still be alive (v1: 2 to 3 ms), and on v2 a group at its limit
// wakes up to 100 times a second without any kill. So the counter decides: it is compared at each wake-up and, with
// growing delays, for about 4 s after it. What enforcers/oom.h decides is carried out first, then the kill is
// recorded, then reported.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/kernel_log_watch.h"
#include "agent/enforcement/incident.h"
#include "agent/enforcement/subject.h"
#include "enforcers/oom.h"

namespace mete::agent {

class MemoryEnforcer;

// The account of kills that a subject keeps: what differs between a container, whose account is in its record and goes
// on over its cgroups, and a cgroup of others.
class OomAccount {
 public:
  struct Counts {
    std::uint64_t now = 0;       // the kernel's counter
    std::uint64_t reported = 0;  // where it stood when the last kill was reported
  };
  virtual ~OomAccount() = default;
  // Empty: there is no cgroup to be read.
  [[nodiscard]] virtual std::optional<Counts> counts() const = 0;
  // Where no policy says what becomes of the rest after a kill.
  [[nodiscard]] virtual enforcers::OomAction usual_action() const = 0;
  [[nodiscard]] virtual bool kernel_kills_group() const = 0;  // memory.oom.group is set
  // Enters the kills up to `counter`. Called after what is left was killed, before the kills are reported.
  virtual void enter(std::uint64_t counter) = 0;
  // Of all kills that were entered.
  [[nodiscard]] virtual std::uint64_t total() const = 0;
  // The cgroup whose limit has the scope "pod"; may be empty.
  [[nodiscard]] virtual std::string pod_cgroup() const = 0;
  // The command line of a process that was gone before a snapshot could show it; empty: not known.
  [[nodiscard]] virtual std::string command_of(pid_t pid) const = 0;
  // Once for each kill: when its scope is known, and when its record and event are there.
  virtual void note_scope(const std::string& scope) = 0;
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
  // Compares the counter now.
  void poll();
  // The kernel's log names a kill in the cgroup, or below it.
  void killed_in_log();

 private:
  struct SeenProcess {
    collectors::ProcessMemory process;
    Moment at;
  };
  void await_event();
  void poll_later(std::chrono::microseconds delay);
  void take_snapshot();
  void report(const enforcers::OomDecision& decision, Outcome outcome);
  void report_kill(const enforcers::OomDecision& decision, Outcome outcome, const Trigger& trigger,
                   std::uint64_t number);
  void name_victim(ForensicRecord& record) const;

  Enforcement& enforcement_;
  Services& services_;
  Subject& subject_;
  OomAccount& account_;
  MemoryEnforcer& enforcer_;
  Descriptor event_;  // v1
  Timer timer_;
  int polls_left_ = 0;
  Moment woken_at_{};  // of a kill that is not reported yet
  Moment snapshot_at_{};
  std::vector<SeenProcess> snapshot_;
  Alive alive_;
};

}  // namespace mete::agent
