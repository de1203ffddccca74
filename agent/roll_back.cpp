// SPDX-License-Identifier: Apache-2.0
// `mete agent --rollback`.
#include "agent/agent.h"
#include "agent/foreign/foreign_enforcement.h"
#include "agent/foreign/io_cost_enforcer.h"
#include "agent/self/locks.h"

namespace mete::agent {

Result<std::vector<std::string>> roll_back(const Settings& settings) {
  METE_TRY(const runtime::UniqueFd state_lock, lock_directory(settings.state, 0700));
  METE_TRY(const runtime::cgroup::Hierarchies hierarchies, runtime::cgroup::find_hierarchies());
  std::vector<std::string> lines;
  for (const auto& file : {ForeignEnforcement::ledger_file(settings), IoCostEnforcer::ledger_file(settings)}) {
    METE_TRY(Ledger ledger, Ledger::open(file));
    const auto restored = ledger.restore_all(hierarchies, Ledger::Usage::kReclaim);
    for (const auto& knob : restored.put_back)
      lines.push_back(knob.file + " of cgroup " + knob.path + " is what it was: " + knob.before);
    if (!restored.errors.empty()) return fail(restored.errors.front());
  }
  return lines;
}

}  // namespace mete::agent
