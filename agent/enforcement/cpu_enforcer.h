// SPDX-License-Identifier: Apache-2.0
// cpu.boost: raises the quota of a throttled subject while the machine has idle CPU time.
//
// The kernel sends no event for throttling. So the counters are polled once a second, of subjects whose policy has
// cpu.boost. The record of a container of ours does not hold its boost: a restarted agent writes the manifest's quota.
#pragma once

#include <memory>
#include <optional>

#include "agent/base/asio.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/subject.h"
#include "enforcers/cpu_boost.h"

namespace mete::agent {

class CpuEnforcer {
 public:
  CpuEnforcer(Enforcement& enforcement, Subject& subject) : enforcement_(enforcement), subject_(subject) {}

  // Begins to watch. Called when the cgroup exists, and again after its policy or its limit has changed.
  void open();
  void close();

 private:
  void poll();
  void poll_later();
  void change(const enforcers::BoostDecision& decision, const runtime::cgroup::CpuBandwidth& own);

  struct State {
    explicit State(asio::io_context& loop) : timer(loop) {}
    enforcers::CpuBooster booster;
    std::optional<config::CpuBoost> rule;    // the rule of the present boost; empty: no boost, or a dry run
    std::chrono::microseconds pretended{0};  // the quota that a dry run would have written
    Timer timer;
    bool open = false;
    Alive alive;
  };
  Enforcement& enforcement_;
  Subject& subject_;
  std::unique_ptr<State> state_;  // null: no policy has asked for a boost yet
};

}  // namespace mete::agent
