// SPDX-License-Identifier: Apache-2.0
// Holds one cgroup to the memory part of its policy: woken by the kernel where it can be (v1 usage thresholds, OOM and
// pressure notices, PSI triggers, v2 memory.events), and looking by need where it cannot (10 ms to 1 s).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/services.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/incident.h"
#include "agent/enforcement/subject.h"
#include "collectors/kernel/memory_probe.h"
#include "collectors/usage_history.h"
#include "enforcers/executor.h"
#include "enforcers/memory_watch.h"
#include "enforcers/pressure_notice.h"
#include "enforcers/stuck_at_high.h"

namespace mete::agent {

class MemoryEnforcer : public Watched {
 public:
  MemoryEnforcer(Enforcement& enforcement, Subject& subject);
  ~MemoryEnforcer() override;
  MemoryEnforcer(const MemoryEnforcer&) = delete;
  MemoryEnforcer& operator=(const MemoryEnforcer&) = delete;

  // The cgroup is there; also after its policy or its limit has changed. What is held or frozen stays so.
  void open();
  // The cgroup is empty, or gone, or another agent's from now on: nothing is frozen when this returns.
  void close();

  // The kernel says that memory has run out (v1 memory.oom_control), or that the group is at memory.high (v2
  // memory.events). Decides where the policy wants to before the kernel does; otherwise does nothing.
  void out_of_memory(Moment woken);

  [[nodiscard]] std::optional<std::chrono::nanoseconds> time_to_limit() const { return time_to_limit_; }
  [[nodiscard]] const collectors::UsageHistory& history() const { return history_; }
  [[nodiscard]] Neighbour as_neighbour() const override;

 private:
  enum class Stopped { kNo, kFrozen, kHeld };  // by a threshold; by onOOM: hold

  // memory_enforcer.cpp
  void watch_thresholds();
  void look(Moment woken);
  void look_at(const collectors::MemoryMoment& moment, Moment woken);
  void look_later(const collectors::MemoryMoment& moment);
  void see_time_to_limit(const collectors::MemoryMoment& moment);
  [[nodiscard]] std::optional<Bytes> limit_in_force();  // its own, or a tighter one above it
  [[nodiscard]] std::optional<Bytes> bound();  // what shares of usage are of: the same, or all of the machine's memory
  [[nodiscard]] std::optional<Bytes> tripwire() const;    // memory.high of a policy that decides before the kernel, v2
  [[nodiscard]] std::optional<Bytes> page_cache() const;  // with what else makes room by itself; empty: gone

  // memory_pressure.cpp
  void watch_pressure();
  void await(asio::posix::stream_descriptor& descriptor, asio::posix::stream_descriptor::wait_type kind, bool drain);
  void see_pressure(const collectors::MemoryMoment& moment, Moment woken);
  void see_high(const collectors::MemoryMoment& moment);
  void see_notice(const collectors::MemoryMoment& moment, bool by_kernel);

  // memory_actions.cpp
  void act(const config::MemoryThreshold& rule, const Trigger& trigger);
  void act(config::ThresholdAction action, const Trigger& trigger);
  void signal(int number, const Trigger& trigger);
  void reclaim(Bytes target, const Trigger& trigger);
  void exec(const config::MemoryThreshold& rule, const Trigger& trigger);
  void restart(const Trigger& trigger);
  Outcome kill(config::ThresholdAction action, const Trigger& trigger);
  Outcome raise(const Trigger& trigger);  // kFailed: it was told why not
  void told(const Trigger& trigger, const std::string& action, Outcome outcome, const std::string& detail);
  [[nodiscard]] bool dry_run() const;
  [[nodiscard]] bool guarded();  // may not kill (any more)
  [[nodiscard]] enforcers::Executor& executor() const;
  [[nodiscard]] Incident incident(const Trigger& trigger);

  // memory_hold.cpp
  void freeze(const config::MemoryThreshold& rule, const Trigger& trigger);
  void hold(const Trigger& trigger);
  void stopped_for(std::chrono::nanoseconds timeout);
  void time_is_over();
  void look_whether_released();
  void let_go();  // frozen or held no more
  [[nodiscard]] bool policy_still_stops() const;
  void end_hold();
  void end_freeze();
  [[nodiscard]] bool stopped_by_others() const;
  void leave_it_to_the_kernel();  // for a while, should nobody else have helped

  Enforcement& enforcement_;
  Services& services_;
  Subject& subject_;
  bool open_ = false;
  std::optional<collectors::MemoryProbe> probe_;
  std::vector<std::unique_ptr<asio::posix::stream_descriptor>> thresholds_;  // eventfds, v1
  asio::posix::stream_descriptor pressure_;  // a PSI trigger, or v1's memory.pressure_level
  asio::steady_timer pressure_timer_;        // until pressure_ is listened to again
  asio::steady_timer look_timer_;
  asio::steady_timer stop_timer_;
  asio::steady_timer release_timer_;
  asio::steady_timer again_timer_;
  enforcers::ThresholdLatch latch_;
  enforcers::FillRate rate_;
  std::array<std::optional<enforcers::Window>, 2> stalls_;  // some, full
  std::optional<enforcers::Window> refaults_;
  std::optional<enforcers::PressureNotice> notice_;  // where memory.notify is wanted
  enforcers::StuckAtHigh stuck_;
  Moment high_looked_at_{};
  bool woken_by_pressure_ = false;  // by the kernel, within look()
  std::array<Moment, 3> fired_{};   // some, full, thrashing: not again within their time
  collectors::UsageHistory history_;
  std::optional<std::chrono::nanoseconds> time_to_limit_;
  Moment near_told_at_{};
  bool near_told_ = false;
  Bytes usage_;                       // as last seen
  Moment grown_at_{};                 // when it had grown
  std::optional<Bytes> limit_above_;  // of ancestors
  Moment limit_above_read_{};
  std::optional<Bytes> watched_bound_;  // whose shares the kernel tells of, v1
  Stopped stopped_ = Stopped::kNo;
  Trigger stopped_by_;
  config::AfterFreeze after_freeze_ = config::AfterFreeze::kThaw;
  Moment raised_until_{};     // those who wait for memory take what they were given
  Moment killed_until_{};     // what was killed goes: it is not killed twice
  Moment restarted_until_{};  // the same of a restart
  Outcome last_kill_ = Outcome::kDone;
  Moment refused_until_{};  // what could not be done, or only would have been, is not told again and again
  bool kernel_decides_ = false;
  std::shared_ptr<std::atomic<bool>> reclaiming_;  // null: not; set to true it ends early
  Alive alive_;
};

// "12.5%"; "1.5s".
[[nodiscard]] std::string percent_text(Ratio share);
[[nodiscard]] std::string seconds_text(std::chrono::nanoseconds time);

}  // namespace mete::agent
