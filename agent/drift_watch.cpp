// SPDX-License-Identifier: Apache-2.0
#include "agent/drift_watch.h"

#include <sys/inotify.h>

#include <algorithm>

namespace mete::agent {
namespace {

// Written by those who use a cgroup, or by the kernel; none of them is a limit.
bool is_limit(std::string_view name) {
  return !name.empty() && name.find(".events") == std::string_view::npos && name != "cgroup.procs" && name != "tasks" && name != "cgroup.event_control" &&
         name != "memory.reclaim" && name != "memory.force_empty" && name != "memory.pressure" && name != "cpu.pressure" && name != "io.pressure";
}

}  // namespace

void DriftWatch::open() {
  if (!watches_.empty()) return;
  given_up_ = false;
  for (const char* controller : {"cpu", "cpuset", "memory", "pids", "hugetlb", "blkio", "io", "net_cls"}) {
    const std::string directory = group_.directory(controller);
    if (directory.empty()) continue;
    // One watch a directory, whatever is in it.
    const auto watch = services_.files.watch(directory, IN_CLOSE_WRITE | IN_MODIFY, [this](std::string_view name, std::uint32_t mask) { woken(name, mask); });
    if (watch && std::find(watches_.begin(), watches_.end(), *watch) == watches_.end()) watches_.push_back(*watch);
  }
}

void DriftWatch::close() {
  for (const int watch : watches_) services_.files.forget(watch);
  watches_.clear();
  reported_.clear();
}

void DriftWatch::woken(std::string_view name, std::uint32_t mask) {
  if ((mask & IN_MODIFY) != 0 && name == "memory.events" && owner_.memory_event) owner_.memory_event();
  if ((mask & IN_MODIFY) != 0 && (name == "pids.events" || name == "memory.swap.events") && owner_.limit_event) owner_.limit_event();
  if ((mask & IN_Q_OVERFLOW) != 0 || is_limit(name)) look_soon();
}

void DriftWatch::look_soon() {
  if (std::exchange(check_posted_, true)) return;
  asio::post(services_.loop, alive_.guard([this] {
    check_posted_ = false;
    check();
  }));
}

void DriftWatch::check() {
  const auto* const limits = owner_.limits();
  if (limits == nullptr || given_up_) return;
  const auto woken = std::chrono::steady_clock::now();
  const auto drifts = group_.verify(*limits);
  if (!drifts || drifts->empty()) {
    reported_.clear();
    return;
  }
  const bool report_only = owner_.report_only();
  bool restored = false;
  if (!report_only) {
    const auto applied = group_.apply(*limits);
    const auto left = group_.verify(*limits);
    restored = applied && left && left->empty();
    // Our own writes wake this check again: what cannot be put back must not be tried for ever.
    given_up_ = !restored;
  }
  bool news = false;
  for (const auto& drift : *drifts) {
    const std::pair<std::string, std::string> seen(drift.file, drift.found);
    if (report_only && std::find(reported_.begin(), reported_.end(), seen) != reported_.end()) continue;
    news = true;
    if (report_only) {
      std::erase_if(reported_, [&](const auto& each) { return each.first == drift.file; });
      reported_.push_back(seen);
    }
    const std::string outcome = report_only ? "the policy wants it told and left: expected " : restored ? "it is put back to " : "it could not be put back to ";
    services_.instruments.drift(drift.file);
    if (!report_only) services_.instruments.enforcement("limits", "restore", restored ? "done" : "failed");
    owner_.tell(drift.file + " of " + group_.path() + " was changed to " + drift.found + " by somebody else; " + outcome + drift.expected,
                {{"file", drift.file}, {"found", drift.found}, {"expected", drift.expected}});
  }
  if (!news) return;
  if (!report_only) services_.instruments.reaction("limits", std::chrono::steady_clock::now() - woken);
  owner_.changed();
}

}  // namespace mete::agent
