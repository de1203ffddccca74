// SPDX-License-Identifier: Apache-2.0
// Watches the memory of a subject, and calls the MemoryResponder when a rule of the policy fires. The kernel wakes the
// watcher where it can (v1 usage thresholds, pressure notices, PSI triggers). Elsewhere the watcher polls every 10 ms
// to 1 s: the faster memory fills, the more often.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/base/asio.h"
#include "agent/enforcement/incident.h"
#include "agent/enforcement/memory_gauge.h"
#include "agent/enforcement/pressure_watcher.h"
#include "agent/enforcement/subject.h"
#include "enforcers/memory_watch.h"

namespace mete::agent {

class MemoryWatcher {
 public:
  MemoryWatcher(Services& services, Subject& subject, MemoryGauge& gauge, MemoryResponder& responder);

  // Begins to watch. Called when the gauge is open, and again after the policy or the limit has changed.
  void open();
  void close();
  void poll(Moment woken);
  // Checks the rules of the policy against a moment that the caller has read.
  void check_rules(const collectors::MemoryMoment& moment, Moment woken);
  [[nodiscard]] std::optional<std::chrono::nanoseconds> time_to_limit() const { return time_to_limit_; }

 private:
  void poll(Moment woken, bool by_pressure);
  void poll_later(const collectors::MemoryMoment& moment);
  void watch_thresholds();
  void await_threshold(Descriptor& descriptor);
  void estimate_time_to_limit(const collectors::MemoryMoment& moment);
  void report_near_limit(const collectors::MemoryMoment& moment, Bytes limit);

  Services& services_;
  Subject& subject_;
  MemoryGauge& gauge_;
  MemoryResponder& responder_;
  PressureWatcher pressure_;
  std::vector<std::unique_ptr<Descriptor>> thresholds_;  // eventfds, v1
  std::optional<Bytes> watched_bound_;                   // thresholds_ are shares of this size
  Timer timer_;
  enforcers::ThresholdLatch latch_;
  enforcers::FillRate rate_;
  Moment grown_at_{};
  std::optional<std::chrono::nanoseconds> time_to_limit_;
  Moment near_reported_at_{};
  bool near_reported_ = false;
  Alive alive_;
};

}  // namespace mete::agent
