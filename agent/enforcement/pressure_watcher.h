// SPDX-License-Identifier: Apache-2.0
// Memory pressure and thrashing of a subject: what wakes for them, and which rules fire. Both of the kernel's ways (PSI
// triggers, v1's memory.pressure_level) only say that a poll is worth it; what decides are the totals.
#pragma once

#include <array>
#include <functional>
#include <optional>

#include "agent/base/asio.h"
#include "agent/enforcement/incident.h"
#include "agent/enforcement/memory_gauge.h"
#include "agent/enforcement/subject.h"
#include "enforcers/memory_watch.h"
#include "enforcers/pressure_notice.h"
#include "enforcers/stuck_at_high.h"

namespace mete::agent {

// What a watcher asks of whoever responds to it.
class MemoryResponder {
 public:
  virtual ~MemoryResponder() = default;
  virtual void act(const config::MemoryThreshold& rule, const Trigger& trigger) = 0;
  virtual void act(config::ThresholdAction action, const Trigger& trigger) = 0;
  virtual void out_of_memory(Moment woken) = 0;
  // v2: all of the subject waits at a memory.high that is not mete's.
  virtual void stuck_at_memory_high(const Trigger& trigger) = 0;
  virtual void pressure_is_due(bool news, Bytes usage) = 0;
  // Frozen or held: no threshold is acted on.
  [[nodiscard]] virtual bool is_stopped() const = 0;
  // memory.high of a policy that decides before the kernel, v2.
  [[nodiscard]] virtual std::optional<Bytes> tripwire() const = 0;
};

class PressureWatcher {
 public:
  // `woken` is called when the kernel tells of pressure, at most ten times a second.
  PressureWatcher(Services& services, Subject& subject, MemoryGauge& gauge, MemoryResponder& responder,
                  std::function<void()> woken);

  // What the policy wants, which may have changed: its windows begin anew.
  void set_rules();
  void open();
  void close();

  void check_rules(const collectors::MemoryMoment& moment, Moment woken);
  void check_memory_high(const collectors::MemoryMoment& moment);
  // v1 without PSI knows only that the kernel reclaims: `by_kernel` is all there is then.
  void check_notice(const collectors::MemoryMoment& moment, bool by_kernel);
  // More often while there is some pressure.
  [[nodiscard]] std::chrono::nanoseconds next_poll() const;

 private:
  [[nodiscard]] bool open_psi_trigger(const config::Policy& policy);
  void await_event(Descriptor::wait_type kind);
  [[nodiscard]] bool check_stalls(const config::MemoryPressure& rule, const collectors::MemoryMoment& moment,
                                  Moment woken);
  [[nodiscard]] std::optional<std::uint64_t> stalled_at(Bytes high, const collectors::MemoryMoment& moment) const;
  void check_refaults(const config::MemoryThrashing& rule, const collectors::MemoryMoment& moment, Moment woken);
  [[nodiscard]] bool fires(std::size_t which, Moment at, std::chrono::nanoseconds over);

  Services& services_;
  Subject& subject_;
  MemoryGauge& gauge_;
  MemoryResponder& responder_;
  std::function<void()> woken_;
  Descriptor event_;                                        // a PSI trigger, or v1's memory.pressure_level
  Timer pause_;                                             // until event_ is awaited again
  std::array<std::optional<enforcers::Window>, 2> stalls_;  // some, full
  std::optional<enforcers::Window> refaults_;
  std::optional<enforcers::PressureNotice> notice_;  // where memory.notify is wanted
  std::array<Moment, 3> fired_{};                    // some, full, thrashing: not again within their time
  enforcers::StuckAtHigh stuck_;
  Moment high_polled_at_{};
  Alive alive_;
};

// "12.5%"; "1.5s".
[[nodiscard]] std::string percent_text(Ratio share);
[[nodiscard]] std::string seconds_text(std::chrono::nanoseconds time);

}  // namespace mete::agent
