// SPDX-License-Identifier: Apache-2.0
// The end of a pod: signals in their order, grace, kill, and nothing left.
#include <algorithm>
#include <memory>
#include <utility>

#include "agent/networks/networks.h"
#include "agent/pods/cgroup_parents.h"
#include "agent/pods/pod.h"
#include "agent/pods/record/pod_remains.h"
#include "agent/pods/volume_mounts.h"

namespace mete::agent {

using runtime::Durability;

void Pod::container_started() {
  if (is_being_ended()) {
    // It was being started when the end was decided, and has missed the signal, or the kill after it.
    signal_due();
    if (end_at_ <= std::chrono::steady_clock::now()) kill_active();
    return;
  }
  if (record_.restarting.holds) return container_ended();  // it was being started when the end of all was decided
  // Containers that follow a sidecar wait until it has started, and those that follow a postStart hook until it has
  // ended.
  const bool waited_for = std::any_of(record_.containers.begin(), record_.containers.end(),
                                      [](const auto& each) { return each.sidecar || each.has_post_start; });
  if (waited_for) container_ended();
}

void Pod::container_ended() {
  // Later: the container is in the middle of its own function.
  services_.turns.add(alive_.guard([this] { step(); }));
}

void Pod::signal_due() {
  for (const auto index : due_to_end(record_)) {
    auto& container = *containers_[index];
    if (container.record().state != ContainerState::kRunning || !signalled_.insert(index).second) continue;
    container.attempt().ask_to_end(end_at_ - std::chrono::steady_clock::now());
  }
}

void Pod::end_sidecars() {
  if (std::none_of(containers_.begin(), containers_.end(), [](const auto& each) { return each->is_active(); })) {
    end_timer_.cancel();
    return;
  }
  if (signalled_.empty()) {
    end_at_ = std::chrono::steady_clock::now() + record_.grace;
    end_timer_.expires_at(end_at_);
    end_timer_.async_wait(alive_.guard([this] { kill_all(); }));
  }
  signal_due();
}

void Pod::kill_active() {
  killed_ = true;
  lift_quota();
  for (auto& container : containers_) {
    if (container->is_active()) container->control().kill();
  }
}

void Pod::end_all(std::chrono::seconds grace) {
  restart_timer_.cancel();
  for (auto& container : containers_) {
    auto& own = container->record();
    if (own.state == ContainerState::kWaiting) own.state = ContainerState::kExited;
  }
  save(Durability::volatile_);
  signalled_.clear();
  end_at_ = std::chrono::steady_clock::now() + grace;
  signal_due();
  end_timer_.expires_at(end_at_);
  clean_up_delay_ = kFirstCleanUp;
  end_timer_.async_wait(alive_.guard([this] { kill_all(); }));
  clean_up();
}

void Pod::kill_all() {
  if (!is_ending()) return;  // started again in the same moment
  kill_active();
  // A shim may be unable to write how its container ended (a full disk); who is deleted need not know.
  constexpr auto kPatience = std::chrono::seconds(3);
  end_timer_.expires_after(kPatience);
  end_timer_.async_wait(alive_.guard([this] {
    for (auto& container : containers_) {
      if (record_.terminating && container->is_active()) container->attempt().give_up_shim();
    }
    kill_all();
  }));
}

namespace {

// Of a delete that was asked for a while ago. The machine's clock may have been set meanwhile.
std::chrono::seconds grace_left(const PodRecord& record) {
  const auto left =
      std::chrono::ceil<std::chrono::seconds>(record.deleted + record.grace - std::chrono::system_clock::now());
  return std::clamp(left, std::chrono::seconds(0), record.grace);
}

}  // namespace

void Pod::terminate(std::optional<std::chrono::seconds> grace) {
  if (record_.terminating) {
    // A second, more impatient delete shortens the first.
    if (!grace || *grace >= record_.grace) return;
    record_.grace = *grace;
    record_.deleted = std::chrono::system_clock::now();
    end_all(*grace);
    return;
  }
  if (grace) record_.grace = *grace;
  record_.terminating = true;
  // An earlier agent's delete goes on, with what is left of its grace.
  const bool goes_on = record_.deleted != WallTime();
  if (!goes_on) record_.deleted = std::chrono::system_clock::now();
  record_.stopped = false;  // from here on it says how the pod that may follow begins
  ending_ = false;
  report(Severity::kNormal, name_of(Reason::kTerminating), "", "Pod " + record_.key() + " is being deleted");
  end_all(goes_on ? grace_left(record_) : record_.grace);
}

void Pod::stop(std::optional<std::chrono::seconds> grace) {
  if (record_.stopped) return;
  record_.stopped = true;
  if (record_.terminating) {
    // This pod ends as it is. The one that replaces it under the same name is made stopped (Reconciler::gone).
    if (!ending_ && !removing_) save(Durability::volatile_);
    return;
  }
  report(Severity::kNormal, name_of(Reason::kStopping), "", "Pod " + record_.key() + " is being stopped");
  end_all(grace.value_or(record_.grace));
}

void Pod::fail_with(Reason reason, std::string message, std::chrono::seconds grace) {
  if (is_being_ended()) return;
  record_.reason = name_of(reason);
  record_.message = message;
  report(Severity::kWarning, name_of(reason), "", "Pod " + record_.key() + " has failed: " + std::move(message));
  end_all(grace);
}

void Pod::evict(std::string message) {
  constexpr auto kGrace = std::chrono::seconds(1);  // the kubelet's, for such an end
  fail_with(Reason::kEvicted, std::move(message), kGrace);
}

bool Pod::meet_deadline() {
  const auto& most = plan_->pod.spec.active_deadline;
  if (!most) return false;
  const auto left = std::max(record_.created, record_.scheduled) + *most - std::chrono::system_clock::now();
  if (left > left.zero()) {
    deadline_timer_.expires_after(left);
    deadline_timer_.async_wait(alive_.guard([this] { step(); }));
    return false;
  }
  fail_with(Reason::kDeadlineExceeded, "Pod was active on the node longer than the specified deadline", record_.grace);
  return true;
}

void Pod::start() {
  if (!record_.stopped) return;
  record_.stopped = false;
  if (record_.terminating) {
    if (!ending_ && !removing_) save(Durability::volatile_);
    return;
  }
  end_timer_.cancel();
  signalled_.clear();
  killed_ = false;
  for (auto& container : containers_) {
    auto& own = container->record();
    if (container->is_active() || (own.init && !own.sidecar && own.exit_code == 0 && own.has_ended)) continue;
    own.state = ContainerState::kWaiting;
    own.next_start = {};
    own.backoff = {};
    own.restarts_in_row = 0;
  }
  save(Durability::volatile_);
  step();
}

bool Pod::has_other_active(const std::string& name) const {
  return std::any_of(containers_.begin(), containers_.end(),
                     [&](const auto& each) { return each->is_active() && each->record().name != name; });
}

bool Pod::goes_with(const std::string& name) const {
  return record_.terminating && !has_other_active(name);
}

void Pod::clean_up() {
  if (ending_ || removing_ || !is_being_ended()) return;
  if (std::any_of(containers_.begin(), containers_.end(), [](const auto& each) { return each->is_active(); })) {
    signal_due();
    return;
  }
  end_timer_.cancel();
  if (mounting_) {
    mounts_.give_up(record_.uid);
    return clean_up_later();
  }
  if (!retire()) return clean_up_later();
  if (!record_.reason.empty()) release_devices();  // it has failed for good
  if (record_.terminating) return remove_meanwhile();
  if (!remove_cgroups()) clean_up_later();
}

// A killed process is still leaving its cgroup. Looked for less and less often.
void Pod::clean_up_later() {
  constexpr auto kLongest = std::chrono::milliseconds(500);
  restart_timer_.expires_after(clean_up_delay_);
  clean_up_delay_ = std::min(2 * clean_up_delay_, kLongest);
  restart_timer_.async_wait(alive_.guard([this] { services_.turns.add(alive_.guard([this] { clean_up(); })); }));
}

bool Pod::retire() {
  // Also one whose launcher died before it could say which process it is.
  kill_sandbox();
  if (record_.sandbox.pid != 0 || sandbox_starting_) {
    if (sandbox_starting_) return false;
    if (runtime::process::open_pidfd(record_.sandbox)) return false;
    record_.sandbox = {};
    save(Durability::volatile_);
  }
  for (auto& container : containers_) {
    if (!container->control().retire()) {
      container->control().kill();
      return false;
    }
  }
  drift_.close();
  limit_events_.reset();
  return true;
}

// Here and now: a stopped pod may be started again at any moment.
bool Pod::remove_cgroups() {
  for (auto& container : containers_) {
    if (!container->control().remove()) {
      container->control().kill();
      return false;
    }
  }
  if (!cgroup_.remove()) return false;
  remove_empty_parents(services_.settings, services_.hierarchies, record_.cgroup_parent);
  prepared_ = false;
  // What is mounted stays for the next start; what was unmounted by others meanwhile is mounted again.
  mounted_.clear();
  networks_.disconnect(record_.uid);
  connected_ = Connected::kNo;
  return true;
}

void Pod::remove_meanwhile() {
  // First: one that is being connected would write its names when that is done.
  networks_.disconnect(record_.uid);
  connected_ = Connected::kNo;
  PodRemains remains{{}, paths()};
  for (const auto& container : containers_) remains.cgroups.push_back(container->cgroup());
  remains.cgroups.push_back(cgroup_);
  removing_ = true;
  const auto done = std::make_shared<Status>();
  services_.cleaners.run([remains = std::move(remains), done] { *done = remove(remains); },
                         alive_.guard([this, done] { removed(*done); }));
}

void Pod::removed(const Status& done) {
  removing_ = false;
  if (!done) {
    if (runtime::cgroup::is_busy(done.error())) {
      for (auto& container : containers_) container->control().kill();
    } else if (!std::exchange(clean_up_failed_, true)) {
      report(Severity::kWarning, name_of(Reason::kCleanUpFailed), "", done.error().what);
    }
    return clean_up_later();
  }
  ending_ = true;
  remove_empty_parents(services_.settings, services_.hierarchies, record_.cgroup_parent);
  report(Severity::kNormal, name_of(Reason::kDeleted), "", "Pod " + record_.key() + " is gone");
  // A copy: the call destroys this pod, and with it the function.
  asio::post(services_.loop, [gone = owner_.gone] { gone(); });
}

}  // namespace mete::agent
