// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/loans.h"

#include "agent/base/digest.h"
#include "agent/pods/pod.h"
#include "runtime/cgroup/memory/reclaim.h"

namespace mete::agent {
namespace {

constexpr auto kFirstLowering = std::chrono::milliseconds(100);
constexpr auto kSlowestLowering = std::chrono::milliseconds(10'000);

}  // namespace

Loans::Loans(const ContainerSlot& slot, ContainerCgroup& cgroup, std::function<void()> apply_limits)
    : slot_(slot), cgroup_(cgroup), apply_limits_(std::move(apply_limits)), lower_timer_(slot.services().loop) {}

std::optional<Bytes> Loans::own_limit() const {
  return slot_.spec() != nullptr ? slot_.spec()->resources.limits.memory : std::nullopt;
}

Status Loans::raise_memory(Bytes to) {
  auto& own = slot_.record();
  const auto before = std::exchange(own.raised_memory, to.count());
  // Recorded first: an agent that dies in between leaves a record, from which the next one writes the limit.
  if (auto raised = cgroup_.limits().write_raise(); !raised) {
    own.raised_memory = before;
    own.limits_written = digest(cgroup_.limits().current(), slot_.services().hierarchies);
    slot_.save(runtime::Durability::volatile_);
    return raised;
  }
  cgroup_.limits().count_change();
  // Thresholds are shares of the limit. Registering one waits for an RCU grace period (v1): not before the raise is
  // reported.
  asio::post(slot_.services().loop, alive_.guard([this] {
    if (slot_.record().cgroup_id != 0) cgroup_.watch().memory().open();
  }));
  return {};
}

Status Loans::lend_quota(std::optional<std::chrono::microseconds> quota) {
  const auto before = cgroup_.limits().lent_quota();
  cgroup_.limits().set_lent_quota(quota);
  const bool up = quota.value_or(std::chrono::microseconds(0)) > before.value_or(std::chrono::microseconds(0));
  // No container may have more than its pod: first the pod when it grows, last when it shrinks.
  const auto done = [&]() -> Status {
    if (up) METE_CHECK(slot_.pod().make_room());
    METE_CHECK(cgroup_.limits().write_lent_quota());
    if (!up) METE_CHECK(slot_.pod().make_room());
    return {};
  }();
  cgroup_.limits().count_change();
  cgroup_.limits().note_written();
  if (done) return {};
  cgroup_.limits().set_lent_quota(before);
  (void)slot_.pod().make_room();
  return done;
}

void Loans::reconcile() {
  auto& own = slot_.record();
  const auto* const policy = slot_.policy_in_force();
  const bool stands = policy != nullptr && policy->memory.raise;
  if (own.raised_memory == 0 || stands || slot_.spec() == nullptr) return stop_lowering();
  if (const auto limit = own_limit(); limit && cgroup_.limits().memory_above(*limit)) {
    if (!lowering_) lower_later(kFirstLowering);
    return;
  }
  stop_lowering();
  own.raised_memory = 0;
  slot_.save(runtime::Durability::volatile_);
  slot_.report(Severity::kNormal, name_of(Reason::kLimitLowered),
               "The policy that had raised the memory limit of container " + own.name +
                   " is gone: it is what the manifest says");
}

void Loans::lower_later(std::chrono::milliseconds delay) {
  if (!lowering_) lowering_ = std::make_shared<std::atomic<bool>>(false);
  lower_timer_.expires_after(delay);
  lower_timer_.async_wait(alive_.guard([this, delay] {
    const auto target = own_limit();
    if (!lowering_ || !target) return;
    slot_.services().workers.run([group = cgroup_.group(), target = *target,
                                  stop = lowering_] { (void)runtime::cgroup::reclaim(group, target, *stop); },
                                 alive_.guard([this, delay, mine = lowering_] {
                                   if (lowering_ != mine) return;
                                   if (const auto limit = own_limit(); limit && cgroup_.limits().memory_above(*limit))
                                     return lower_later(std::min(2 * delay, kSlowestLowering));
                                   apply_limits_();
                                 }));
  }));
}

void Loans::stop_lowering() {
  lower_timer_.cancel();
  if (lowering_) *lowering_ = true;
  lowering_.reset();
}

}  // namespace mete::agent
