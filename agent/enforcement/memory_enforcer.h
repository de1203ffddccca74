// SPDX-License-Identifier: Apache-2.0
// Enforces the memory part of a policy on one subject. It connects the watcher (memory_watcher.h) to the actions
// (memory_actions.h) and to freeze and hold (memory_stop.h), and decides what happens when the subject runs out of
// memory.
#pragma once

#include <memory>
#include <optional>

#include "agent/base/asio.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/memory_actions.h"
#include "agent/enforcement/memory_gauge.h"
#include "agent/enforcement/memory_stop.h"
#include "agent/enforcement/memory_watcher.h"
#include "agent/enforcement/subject.h"

namespace mete::agent {

class MemoryEnforcer : public Watched, private MemoryResponder {
 public:
  MemoryEnforcer(Enforcement& enforcement, Subject& subject);
  ~MemoryEnforcer() override;
  MemoryEnforcer(const MemoryEnforcer&) = delete;
  MemoryEnforcer& operator=(const MemoryEnforcer&) = delete;

  // Begins to watch. Called when the cgroup exists, and again after its policy or its limit has changed. A hold or
  // freeze in force goes on.
  void open();
  // Stops watching: the cgroup is empty or gone, or another agent takes over. Nothing is frozen when this returns.
  void close();

  // The kernel says that memory has run out (v1 memory.oom_control), or that the group is at memory.high (v2
  // memory.events). If the policy decides before the kernel (hold, raise), its decision is carried out; otherwise
  // nothing is done.
  void out_of_memory(Moment woken) override;

  [[nodiscard]] std::optional<std::chrono::nanoseconds> time_to_limit() const { return watcher_.time_to_limit(); }
  [[nodiscard]] const collectors::UsageHistory& history() const { return gauge_.history(); }
  [[nodiscard]] Neighbour as_neighbour() const override;
  // What runs in it is frozen, or held at its limit.
  [[nodiscard]] bool is_stopped() const override { return response_ != nullptr && response_->stop.is_stopped(); }

 private:
  void act(const config::MemoryThreshold& rule, const Trigger& trigger) override;
  void act(config::ThresholdAction action, const Trigger& trigger) override;
  void stuck_at_memory_high(const Trigger& trigger) override { response().actions.lift_memory_high(trigger); }
  void pressure_is_due(bool news, Bytes usage) override { response().actions.notify_pressure(news, usage); }
  [[nodiscard]] std::optional<Bytes> tripwire() const override;
  [[nodiscard]] bool is_out_of_memory(const collectors::MemoryMoment& moment, Bytes limit) const;
  [[nodiscard]] bool is_waking(const collectors::MemoryMoment& moment, Bytes limit, Moment now) const;
  void retry_at(Moment at);  // out_of_memory()
  // What acts. A subject without a policy mostly has none of it.
  struct Response {
    explicit Response(MemoryEnforcer& of);
    MemoryActions actions;
    MemoryStop stop;
    Timer retry_timer;  // until out_of_memory() is asked again
    Alive alive;
  };
  Response& response();  // made when it is first needed

  Enforcement& enforcement_;
  Services& services_;
  Subject& subject_;
  bool open_ = false;
  MemoryGauge gauge_;
  MemoryWatcher watcher_;
  std::unique_ptr<Response> response_;  // null: nothing has been done yet, and no policy may want it
};

}  // namespace mete::agent
