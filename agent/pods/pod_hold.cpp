// SPDX-License-Identifier: Apache-2.0
// What holds a pod back before any of it is made: devices that are not free, and what this kernel cannot enforce.
#include <algorithm>

#include "agent/pods/device_book.h"
#include "agent/pods/pod.h"
#include "enforcers/device_allotment.h"
#include "runtime/pod/app_armor.h"

namespace mete::agent {

using runtime::Durability;

namespace {

constexpr auto kLookAgain = std::chrono::seconds(10);

}  // namespace

// Looked at before each start. Devices that were given stay the pod's until it has ended for good.
PodHold Pod::hold_of_devices() {
  const auto kinds = enforcers::kinds_of_devices(plan_->pod.spec);
  if (kinds.empty() || devices_.holds(record_.uid)) return {};
  std::vector<std::string> given;
  for (const auto& each : record_.containers) given.insert(given.end(), each.devices.begin(), each.devices.end());
  // Started anew after it had ended: the same ones, if nobody has them now.
  if (!given.empty() && devices_.hold(record_.uid, given)) return {};
  const auto allotment = enforcers::allot_devices(plan_->pod.spec, devices_.free(kinds));
  if (!allotment.insufficient.empty()) return {kUnschedulable, enforcers::insufficient_text(allotment.insufficient)};
  given.clear();
  for (auto& each : record_.containers) {
    const auto own = allotment.given.find(each.name);
    each.devices = own == allotment.given.end() ? std::vector<std::string>() : own->second;
    given.insert(given.end(), each.devices.begin(), each.devices.end());
  }
  (void)devices_.hold(record_.uid, given);  // they are free
  // The record first: an agent that follows must not give them to others.
  save(Durability::volatile_);
  return {};
}

// Only before the pod has begun, as by the kubelet. Later the kernel itself refuses.
PodHold Pod::hold_of_app_armor() const {
  if (phase() != PodPhase::kPending || !runtime::pod::asks_for_app_armor(plan_->pod.spec)) return {};
  std::string fault = runtime::pod::app_armor_fault(plan_->pod.spec, runtime::process::read_app_armor());
  if (fault.empty()) return {};
  return {name_of(Reason::kAppArmor), std::move(fault)};
}

bool Pod::is_held() {
  PodHold hold = hold_of_devices();
  if (!hold.reason.empty()) {
    devices_.wait(record_.uid, alive_.guard([this] { step(); }));
  } else {
    hold = hold_of_app_armor();
    if (!hold.reason.empty()) step_at(std::chrono::system_clock::now() + kLookAgain);
  }
  const bool held = !hold.reason.empty();
  note_hold(std::move(hold));
  return held;
}

void Pod::note_hold(PodHold hold) {
  if (hold == *record_.hold) return;
  if (record_.hold->reason == kUnschedulable && hold.reason != kUnschedulable)
    record_.scheduled = std::chrono::system_clock::now();
  record_.hold = std::move(hold);
  save(Durability::volatile_);
  if (record_.hold->reason.empty()) return;
  const auto reason = record_.hold->reason == kUnschedulable ? Reason::kFailedScheduling : Reason::kAppArmor;
  report(Severity::kWarning, name_of(reason), "", record_.hold->message);
}

void Pod::adopt_devices() {
  std::vector<std::string> given;
  for (const auto& each : record_.containers) given.insert(given.end(), each.devices.begin(), each.devices.end());
  const bool over = is_finished(record_) || !record_.reason.empty();
  if (!given.empty() && !over) (void)devices_.hold(record_.uid, given);
}

void Pod::release_devices() {
  if (std::any_of(containers_.begin(), containers_.end(), [](const auto& each) { return each->is_active(); })) return;
  devices_.release(record_.uid);
}

}  // namespace mete::agent
