// SPDX-License-Identifier: Apache-2.0
// A memory limit that a policy has raised, and its way back when that policy goes.
#include <atomic>

#include "agent/base/digest.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/pods/container.h"
#include "agent/pods/pod.h"
#include "enforcers/asked_limits.h"
#include "runtime/cgroup/reclaim.h"

namespace mete::agent {
namespace {

constexpr auto kFirstLowering = std::chrono::milliseconds(100);
constexpr auto kSlowestLowering = std::chrono::milliseconds(10'000);

}  // namespace

Status Container::raise_memory(Bytes to) {
  auto& own = record();
  const auto before = std::exchange(own.raised_memory, to.count());
  // Recorded first: an agent that dies in between leaves a record, from which the next one writes the limit.
  const auto raised = [&]() -> Status {
    auto limits = enforcers::changed_limits(limits_, asked_limits());
    own.limits_written = digest(limits, services_.hierarchies);
    METE_CHECK(pod_.try_save(runtime::Durability::volatile_));
    METE_CHECK(pod_.make_room());
    if (auto applied = cgroup_.apply(limits); !applied) return tl::unexpected(std::move(applied.error()));
    limits_ = std::move(limits);
    return {};
  }();
  if (!raised) {
    own.raised_memory = before;
    own.limits_written = digest(limits_, services_.hierarchies);
    pod_.save(runtime::Durability::volatile_);
    return raised;
  }
  ++limit_changes_;
  // Thresholds are shares of the limit. Registering one waits for an RCU grace period (v1): not before the raise is
  // told.
  asio::post(services_.loop, alive_.guard([this] {
    if (record().cgroup_id != 0) enforcer_->open();
  }));
  return {};
}

// Before asked_limits(), whenever its policy may be another one: what no policy has raised is as its manifest says. A
// limit below usage would kill (v2) or be refused (v1): it waits until there is room.
void Container::see_to_raise() {
  auto& own = record();
  const auto* const policy = this->policy();
  const bool stands = policy != nullptr && policy->memory.raise && !policy->dry_run;
  if (own.raised_memory == 0 || stands || spec() == nullptr) return stop_lowering();
  const auto& limit = spec()->resources.limits.memory;
  if (limit && memory_above(*limit)) {
    if (!lowering_) lower_later(kFirstLowering);
    return;
  }
  stop_lowering();
  own.raised_memory = 0;
  pod_.save(runtime::Durability::volatile_);
  pod_.tell(Severity::kNormal, "LimitLowered", own.name,
            "The policy that had raised the memory limit of container " + own.name +
                " is gone: it is what the manifest says");
}

void Container::lower_later(std::chrono::milliseconds delay) {
  if (!lowering_) lowering_ = std::make_shared<std::atomic<bool>>(false);
  lower_timer_.expires_after(delay);
  lower_timer_.async_wait(alive_.guard([this, delay] {
    if (!lowering_ || spec() == nullptr || !spec()->resources.limits.memory) return;
    services_.workers.run(
        [group = cgroup_, target = *spec()->resources.limits.memory, stop = lowering_] {
          (void)runtime::cgroup::reclaim(group, target, *stop);
        },
        alive_.guard([this, delay, mine = lowering_] {
          if (lowering_ != mine) return;
          if (spec() != nullptr && spec()->resources.limits.memory && memory_above(*spec()->resources.limits.memory))
            return lower_later(std::min(2 * delay, kSlowestLowering));
          apply_limits();
        }));
  }));
}

void Container::stop_lowering() {
  lower_timer_.cancel();
  if (lowering_) *lowering_ = true;
  lowering_.reset();
}

}  // namespace mete::agent
