// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/drift_watch.h"

#include <sys/inotify.h>

#include <algorithm>

#include "agent/enforcement/enforcement.h"
#include "runtime/cgroup/limits/changes.h"
#include "runtime/cgroup/memory/reclaim.h"

namespace mete::agent {

DriftWatch::DriftWatch(Services& services, const runtime::cgroup::Group& group, DriftOwner& owner)
    : services_(services), group_(group), owner_(owner), again_timer_(services.loop) {}

DriftWatch::~DriftWatch() {
  close();
}

void DriftWatch::open() {
  if (!watches_.empty()) return;
  constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE;
  sees_groups_ = owner_.wants_groups();
  const auto callback = std::make_shared<const FileWatcher::Callback>(
      [this](std::string_view name, std::uint32_t mask) { woken(name, mask); });
  for (const std::string& directory : runtime::cgroup::limit_directories(group_)) {
    const auto watch = services_.files.watch(directory, kMask, callback);
    if (!watch) sees_groups_ = false;
    if (watch && std::find(watches_.begin(), watches_.end(), *watch) == watches_.end()) watches_.push_back(*watch);
  }
}

bool DriftWatch::sees_freezes() {
  if (watches_.empty() || freezes_ != Freezes::kNotWatched) return freezes_ == Freezes::kSeen;
  freezes_ = Freezes::kSeen;
  for (const std::string& directory : runtime::cgroup::freezer_directories(group_)) {
    const auto watch = services_.files.watch(directory, IN_MODIFY,
                                             [this](std::string_view name, std::uint32_t mask) { woken(name, mask); });
    if (watch) {
      watches_.push_back(*watch);
    } else {
      freezes_ = Freezes::kUnseen;
    }
  }
  return freezes_ == Freezes::kSeen;
}

void DriftWatch::close() {
  for (const int watch : watches_) services_.files.forget(watch);
  watches_.clear();
  sees_groups_ = false;
  freezes_ = Freezes::kNotWatched;
  owner_.freeze_event();
  left_.clear();
  again_timer_.cancel();
  if (making_room_) *making_room_ = true;
}

void DriftWatch::woken(std::string_view name, std::uint32_t mask) {
  using runtime::cgroup::FileChange;
  if ((mask & (IN_CREATE | IN_Q_OVERFLOW)) != 0 && owner_.wants_groups()) owner_.group_made();
  if ((mask & IN_CREATE) != 0) return;
  const FileChange change = runtime::cgroup::change_of(name);
  if ((mask & IN_IGNORED) != 0) freezes_ = Freezes::kUnseen;  // the directory has gone
  if (change == FileChange::kFreeze || (mask & (IN_IGNORED | IN_Q_OVERFLOW)) != 0) owner_.freeze_event();
  const bool modified = (mask & IN_MODIFY) != 0;
  if (modified && change == FileChange::kMemory) owner_.memory_event();
  if (modified && change == FileChange::kRefusal) owner_.limit_event();
  const bool written = change == FileChange::kSetting || change == FileChange::kFreeze;
  if ((mask & IN_Q_OVERFLOW) == 0 && !written) return;
  owner_.setting_written();
  check_soon();
}

void DriftWatch::check_soon() {
  if (std::exchange(check_posted_, true)) return;
  asio::post(services_.loop, alive_.guard([this] {
    check_posted_ = false;
    check();
  }));
}

void DriftWatch::check() {
  check(Try::kNews);
}

void DriftWatch::check(Try what) {
  const auto* const limits = owner_.wanted_limits();
  if (limits == nullptr) return;
  const auto woken = std::chrono::steady_clock::now();
  const auto drifts = group_.verify(*limits);
  if (!drifts) return;
  const auto is_drift = [&](const Left& left) {
    return std::any_of(drifts->begin(), drifts->end(),
                       [&](const auto& drift) { return drift.file == left.file && drift.found == left.found; });
  };
  std::erase_if(left_, [&](const Left& left) { return !is_drift(left); });
  const auto is_news = [&](const runtime::cgroup::Drift& drift) {
    return std::find(left_.begin(), left_.end(), Left{drift.file, drift.found}) == left_.end();
  };
  // Our own writes wake this check again: what cannot be put back must not be tried for ever.
  const bool news = std::any_of(drifts->begin(), drifts->end(), is_news);
  const bool report_only = owner_.leaves_drift();
  if (drifts->empty() || (!news && (report_only || what == Try::kNews))) return;
  const bool done = !report_only && put_back(*limits, what != Try::kAfterReclaim);
  const auto after = report_only || done ? Result<std::vector<runtime::cgroup::Drift>>() : group_.verify(*limits);
  for (const auto& drift : *drifts) {
    const bool left = report_only || (after && std::any_of(after->begin(), after->end(), [&](const auto& other) {
                                        return other.file == drift.file;
                                      }));
    const bool told = !is_news(drift);
    if (left && told) continue;
    if (left) left_.push_back({drift.file, drift.found});
    if (!told) services_.instruments.drift(drift.file);
    if (!report_only) services_.instruments.enforcement("limits", "restore", left ? "failed" : "done");
    report(drift, report_only ? "the policy wants it told and left: expected "
                  : left      ? "it could not be put back yet to "
                              : "it is put back to ");
  }
  if (!report_only) services_.instruments.reaction("limits", std::chrono::steady_clock::now() - woken);
  if (!report_only && !left_.empty()) try_again_later();
}

// True: all of them hold. A memory limit below what is used is not written: the kernel would reclaim while the loop
// waits (v1), or kill (v2).
bool DriftWatch::put_back(const runtime::cgroup::Limits& limits, bool may_reclaim) {
  auto now = limits;
  if (limits.memory && !limits.memory->is_unlimited()) {
    const auto usage = runtime::cgroup::memory_usage(group_);
    if (usage && *usage > limits.memory->value()) {
      if (may_reclaim) make_room(limits.memory->value());
      now.memory.reset();
      now.swap.reset();
    }
  }
  const Status written = owner_.write_again(now);
  const auto left = group_.verify(limits);
  return written && left && left->empty();
}

void DriftWatch::make_room(Bytes limit) {
  if (making_room_) return;
  making_room_ = std::make_shared<std::atomic<bool>>(false);
  services_.workers.run(
      [group = group_, limit, stop = making_room_] { (void)runtime::cgroup::reclaim(group, limit, *stop); },
      alive_.guard([this] {
        making_room_.reset();
        check(Try::kAfterReclaim);
      }));
}

void DriftWatch::try_again_later() {
  constexpr auto kAgain = std::chrono::seconds(10);
  again_timer_.expires_after(kAgain);
  again_timer_.async_wait(alive_.guard([this] { check(Try::kAgain); }));
}

void DriftWatch::report(const runtime::cgroup::Drift& drift, const std::string& outcome) {
  owner_.report_drift(drift.file + " of " + group_.path() + " was changed to " + drift.found + " by another program; " +
                          outcome + drift.expected,
                      {{"file", drift.file}, {"found", drift.found}, {"expected", drift.expected}});
}

}  // namespace mete::agent
