// SPDX-License-Identifier: Apache-2.0
// Watches the memory pressure and the thrashing of a subject, and finds the rules that fire. The kernel's notifications
// (PSI triggers, v1's memory.pressure_level) only cause a poll; the totals that the poll reads decide.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "agent/base/asio.h"
#include "agent/enforcement/incident.h"
#include "agent/enforcement/memory_gauge.h"
#include "agent/enforcement/subject.h"
#include "config/base/box.h"
#include "enforcers/memory_watch.h"
#include "enforcers/pressure_notice.h"
#include "enforcers/stuck_at_high.h"

namespace mete::agent {

// The interface through which watchers report what they have noticed.
class MemoryResponder {
 public:
  virtual ~MemoryResponder() = default;
  virtual void act(const config::MemoryThreshold& rule, const Trigger& trigger) = 0;
  virtual void act(config::ThresholdAction action, const Trigger& trigger) = 0;
  virtual void out_of_memory(Moment woken) = 0;
  // v2: all tasks of the subject wait at a memory.high that mete did not set.
  virtual void stuck_at_memory_high(const Trigger& trigger) = 0;
  virtual void pressure_is_due(bool news, Bytes usage) = 0;
  // True: the subject is frozen or held, so that no threshold is acted on.
  [[nodiscard]] virtual bool is_stopped() const = 0;
  // v2: the memory.high of a policy that decides before the kernel; empty: none.
  [[nodiscard]] virtual std::optional<Bytes> tripwire() const = 0;
};

class PressureWatcher {
 public:
  // `woken` is called when the kernel reports pressure, at most ten times a second.
  PressureWatcher(Services& services, Subject& subject, MemoryGauge& gauge, MemoryResponder& responder,
                  std::function<void()> woken);

  // Takes the rules from the present policy. All windows start empty.
  void set_rules();
  void open();
  void close();

  void check_rules(const collectors::MemoryMoment& moment, Moment woken);
  void check_memory_high(const collectors::MemoryMoment& moment);
  // `by_kernel`: the kernel has reported reclaim (v1 memory.pressure_level), the only sign without PSI.
  void check_notice(const collectors::MemoryMoment& moment, bool by_kernel);
  // The time until the next poll: shorter while there is some pressure.
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
  // What the rules of a policy need.
  struct Rules {
    explicit Rules(asio::io_context& loop) : event(loop), pause(loop) {}
    Descriptor event;                              // a PSI trigger, or v1's memory.pressure_level
    Timer pause;                                   // until the event is awaited again
    std::array<Box<enforcers::Window>, 2> stalls;  // some, full
    Box<enforcers::Window> refaults;
    Box<enforcers::PressureNotice> notice;  // where memory.notify is wanted
    std::array<Moment, 3> fired{};          // some, full, thrashing: a rule fires at most once within its time
    Alive alive;
  };
  std::unique_ptr<Rules> rules_;  // null: no policy has had any
  enforcers::StuckAtHigh stuck_;
  Moment high_polled_at_{};
};

// "12.5%"; "1.5s".
[[nodiscard]] std::string percent_text(Ratio share);
[[nodiscard]] std::string seconds_text(std::chrono::nanoseconds time);

}  // namespace mete::agent
