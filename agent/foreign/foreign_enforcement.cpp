// SPDX-License-Identifier: Apache-2.0
#include "agent/foreign/foreign_enforcement.h"

#include <algorithm>
#include <atomic>

#include "collectors/discovery/export_policy.h"
#include "config/model/objects.h"
#include "enforcers/cgroup_policies.h"
#include "runtime/cgroup/memory/reclaim.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

constexpr auto kRescan = std::chrono::minutes(1);
constexpr auto kRescanWithoutWatches = std::chrono::seconds(5);

// The cgroups of this process and their ancestors: a policy must not stop the agent that carries it out.
std::set<std::string> own_cgroups() {
  std::set<std::string> own;
  const auto text = runtime::read_file(AT_FDCWD, "/proc/self/cgroup");
  if (!text) return own;
  for (const auto& membership : runtime::cgroup::parse_memberships(*text)) {
    for (std::string path = membership.path; path.size() > 1; path = path.substr(0, path.rfind('/'))) own.insert(path);
  }
  own.insert("/");
  return own;
}

}  // namespace

ForeignEnforcement::ForeignEnforcement(Enforcement& enforcement)
    : enforcement_(enforcement),
      services_(enforcement.services()),
      changes_(services_.loop),
      half_made_timer_(services_.loop),
      restore_timer_(services_.loop),
      rescan_timer_(services_.loop) {}

Status ForeignEnforcement::open() {
  own_ = own_cgroups();
  METE_TRY(Ledger ledger, Ledger::open(ledger_file(services_.settings)));
  ledger_.emplace(std::move(ledger));
  const auto restored = ledger_->restore_all(services_.hierarchies, Ledger::Usage::kLeave);
  // Watchdogs of an agent that died: their changes are restored here. Without their files they end.
  (void)runtime::remove_tree(services_.settings.run + "/watchdogs");
  for (const auto& knob : restored.put_back) {
    services_.events.add(
        {.reason = name_of(Reason::kRestored),
         .message = knob.file + " of cgroup " + knob.path +
                    " is what it was before an agent that ended too early changed it: " + knob.before});
  }
  for (const auto& error : restored.errors)
    services_.events.add({.severity = Severity::kWarning, .reason = name_of(Reason::kRestoreFailed), .message = error});
  restore_what_is_left();
  return {};
}

// A memory limit cannot be put back while more than it is in use: it is reclaimed for, and tried until it can.
void ForeignEnforcement::restore_what_is_left() {
  constexpr auto kAgain = std::chrono::seconds(1);
  std::set<std::string> left;
  for (const auto& knob : ledger_->knobs()) {
    if (!subjects_.contains(knob.path)) left.insert(knob.path);
  }
  if (left.empty()) return;
  restore_timer_.expires_after(kAgain);
  restore_timer_.async_wait(alive_.guard([this, left] {
    for (const auto& path : left) {
      if (subjects_.contains(path)) continue;
      const auto group = runtime::cgroup::Group::at(services_.hierarchies, path);
      if (const auto limit = ledger_->memory_limit_before(path); limit && group) {
        static const std::atomic<bool> kToItsEnd = false;
        services_.workers.run(
            [group = *group, limit = *limit] { (void)runtime::cgroup::reclaim(group, limit, kToItsEnd); }, [] {});
      }
      for (const auto& knob : ledger_->restore(path, services_.hierarchies, Ledger::Usage::kLeave).put_back) {
        services_.events.add({.reason = name_of(Reason::kRestored),
                              .message = knob.file + " of cgroup " + path + " is what it was: " + knob.before,
                              .fields = {{"file", knob.file}, {"text", knob.before}, {"cgroup", path}}});
      }
    }
    restore_what_is_left();
  }));
}

void ForeignEnforcement::set_policies(const std::vector<config::Policy>& policies) {
  std::vector<config::Policy> chosen;
  std::copy_if(policies.begin(), policies.end(), std::back_inserter(chosen),
               [](const auto& policy) { return !policy.selector.cgroups.empty(); });
  if (chosen == policies_) return;
  policies_ = std::move(chosen);
  told_.clear();
  if (policies_.empty()) {
    let_all_go(Ledger::Usage::kLeave);
    tree_.reset();
    changes_.close();
    rescan_timer_.cancel();
    return restore_what_is_left();
  }
  if (!tree_) watch_tree();
  if (!tree_) return;
  for (const auto& [path, node] : tree_->nodes()) reconcile(path);
  report_unmatched();
}

void ForeignEnforcement::watch_tree() {
  auto tree = collectors::CgroupTree::open(services_.hierarchies, {services_.settings.cgroup_parent});
  if (!tree) {
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kNotEnforced),
                          .message = "policies for cgroups of others are not active: " + tree.error().what});
    return;
  }
  tree_.emplace(std::move(*tree));
  changes_.assign(::fcntl(tree_->fd(), F_DUPFD_CLOEXEC, 0));
  wait_for_tree();
  rescan_later();
}

// For what inotify does not tell of: cgroups made through another mount, and all when there are no watches left.
void ForeignEnforcement::rescan_later() {
  rescan_timer_.expires_after(tree_->complete() ? kRescan : kRescanWithoutWatches);
  rescan_timer_.async_wait(alive_.guard([this] {
    if (!tree_) return;
    take(tree_->rescan());
    rescan_later();
  }));
}

void ForeignEnforcement::wait_for_tree() {
  changes_.async_wait(Descriptor::wait_read, alive_.guard([this] {
    if (!tree_) return;
    take(tree_->read_events());
    wait_for_tree();
  }));
}

void ForeignEnforcement::take(const collectors::CgroupTree::Changes& changes) {
  for (const auto& path : changes.removed) {
    half_made_.erase(path);
    if (subjects_.erase(path) == 0) continue;
    (void)ledger_->restore(path, services_.hierarchies,
                           Ledger::Usage::kLeave);  // there is nothing left to be put back: it is forgotten
  }
  for (const auto& path : changes.added) reconcile(path);
}

bool ForeignEnforcement::is_own(const std::string& path) const {
  const auto& parent = services_.settings.cgroup_parent;
  return own_.contains(path) || path == parent || path.starts_with(parent + "/") || parent.starts_with(path + "/");
}

void ForeignEnforcement::reconcile(const std::string& path) {
  const auto policy = enforcers::policy_of_cgroup(policies_, path);
  const auto tell_once = [&](Reason reason, const std::string& message) {
    if (told_.insert(message).second)
      services_.events.add({.severity = Severity::kWarning, .reason = name_of(reason), .message = message});
  };
  const bool refused = policy && *policy != nullptr && is_own(path);
  if (!policy) tell_once(Reason::kPolicyConflict, policy.error().what);
  if (refused) {
    tell_once(Reason::kPolicyRefused,
              "policy " + config::full_name((*policy)->metadata) + ": its selector matches cgroup " + path +
                  ", in which or below which the agent itself runs or keeps its pods; it is left alone");
  }
  const auto known = subjects_.find(path);
  if (!policy || *policy == nullptr || refused) {
    if (known == subjects_.end()) return;
    known->second->release(Ledger::Usage::kLeave);
    subjects_.erase(known);
    return restore_what_is_left();
  }
  if (known != subjects_.end()) return known->second->hold_to(**policy);
  auto group = runtime::cgroup::Group::at(services_.hierarchies, path);
  const auto id = group ? group->id() : tl::unexpected(group.error());
  if (!id) {
    // Gone again, or not made in this hierarchy yet.
    constexpr int kTries = 100;
    if (half_made_.emplace(path, kTries).second && half_made_.size() == 1) find_half_made();
    return;
  }
  half_made_.erase(path);
  hold(path, **policy, std::move(*group), *id);
}

void ForeignEnforcement::hold(const std::string& path, const config::Policy& policy, runtime::cgroup::Group group,
                              std::uint64_t id) {
  auto subject = std::make_unique<ForeignSubject>(enforcement_, *ledger_, std::move(group), id);
  subject->hold_to(policy);
  subjects_[path] = std::move(subject);
}

void ForeignEnforcement::find_half_made() {
  constexpr auto kAgain = std::chrono::milliseconds(5);
  half_made_timer_.expires_after(kAgain);
  half_made_timer_.async_wait(alive_.guard([this] {
    const auto all = half_made_;
    for (const auto& [path, tries] : all) {
      if (tries == 0) {
        half_made_.erase(path);
        // It stays in some hierarchies only: a person has made it by hand in these.
        const auto policy = enforcers::policy_of_cgroup(policies_, path);
        auto group = runtime::cgroup::Group::at(services_.hierarchies, path);
        const auto id = group ? group->id_anywhere() : tl::unexpected(group.error());
        if (id && policy && *policy != nullptr) hold(path, **policy, std::move(*group), *id);
      } else {
        half_made_[path] = tries - 1;
        reconcile(path);
      }
    }
    if (!half_made_.empty()) find_half_made();
  }));
}

void ForeignEnforcement::report_unmatched() {
  for (const auto& policy : policies_) {
    const auto& globs = policy.selector.cgroups;
    const bool any = std::any_of(tree_->nodes().begin(), tree_->nodes().end(), [&](const auto& node) {
      return std::any_of(globs.begin(), globs.end(),
                         [&](const auto& glob) { return collectors::matches(glob, node.first); });
    });
    if (any) continue;
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kPolicyMatchesNothing),
                          .message = "policy " + config::full_name(policy.metadata) + " (" +
                                     to_string(policy.location) +
                                     "): no cgroup of the machine matches its selector now"});
  }
}

const config::Policy* ForeignEnforcement::policy_of(const std::string& path) const {
  const auto subject = subjects_.find(path);
  return subject == subjects_.end() ? nullptr : subject->second->policy();
}

bool ForeignEnforcement::oom_killed_in_log(const KernelKill& kill) {
  for (std::string each = kill.task_memcg; each.size() > 1; each = each.substr(0, each.rfind('/'))) {
    const auto subject = subjects_.find(each);
    if (subject == subjects_.end()) continue;
    subject->second->oom_killed_in_log(kill);
    return true;
  }
  return false;
}

void ForeignEnforcement::let_all_go(Ledger::Usage usage) {
  for (const auto& [path, subject] : subjects_) subject->release(usage);
  subjects_.clear();
}

void ForeignEnforcement::release_all() {
  let_all_go(Ledger::Usage::kReclaim);
}

}  // namespace mete::agent
