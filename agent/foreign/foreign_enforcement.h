// SPDX-License-Identifier: Apache-2.0
// Applies policies to cgroups that others made: finds these cgroups, chooses the policy for each, and restores
// everything at the end.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/enforcement/enforcement.h"
#include "agent/foreign/foreign_subject.h"
#include "agent/foreign/ledger.h"
#include "collectors/discovery/cgroup_tree.h"
#include "config/model/policy.h"

namespace mete::agent {

class ForeignEnforcement {
 public:
  explicit ForeignEnforcement(Enforcement& enforcement);

  [[nodiscard]] static std::string ledger_file(const Settings& settings) { return settings.state + "/foreign.json"; }

  // Reads the ledger, and restores the files that an agent that died has left changed.
  [[nodiscard]] Status open();
  // Takes the policies that select cgroups, and ignores all others. Called whenever the manifests have changed.
  void set_policies(const std::vector<config::Policy>& policies);
  // Restores everything, because the agent ends.
  void release_all();
  // Null: no policy holds the cgroup.
  [[nodiscard]] const config::Policy* policy_of(const std::string& path) const;
  [[nodiscard]] const std::vector<Knob>& changed() const { return ledger_->knobs(); }
  // Called when the kernel's log reports a kill. False: no policy holds the victim's cgroup.
  bool oom_killed_in_log(const KernelKill& kill);

 private:
  void watch_tree();
  void wait_for_tree();
  void take(const collectors::CgroupTree::Changes& changes);
  void reconcile(const std::string& path);
  void find_half_made();
  void rescan_later();
  void let_all_go(Ledger::Usage usage);
  void hold(const std::string& path, const config::Policy& policy, runtime::cgroup::Group group, std::uint64_t id);
  void restore_what_is_left();
  void report_unmatched();
  [[nodiscard]] bool is_own(const std::string& path) const;  // the agent's cgroup, or an ancestor of it

  Enforcement& enforcement_;
  Services& services_;
  std::optional<Ledger> ledger_;
  std::vector<config::Policy> policies_;
  std::set<std::string> own_;  // cgroups that the agent is in, and their ancestors
  std::optional<collectors::CgroupTree> tree_;
  Descriptor changes_;
  std::map<std::string, std::unique_ptr<ForeignSubject>> subjects_;  // by path
  std::map<std::string, int> half_made_;  // found, but not yet in its first hierarchy; tries left
  Timer half_made_timer_;
  Timer restore_timer_;
  Timer rescan_timer_;
  std::set<std::string> told_;  // refusals and conflicts that were reported for the present policies
  Alive alive_;
};

}  // namespace mete::agent
