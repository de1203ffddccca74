// SPDX-License-Identifier: Apache-2.0
// When a pod begins, and begins anew: its scheduling gates, and the rule of a container that restarts all of them.
#include <algorithm>

#include "agent/pods/pod.h"

namespace mete::agent {

using runtime::Durability;

// Only the removal of the last one is taken: a gate that comes later makes another pod (Reconciler).
void Pod::take_gates() {
  if (!record_.gated || !plan_->pod.spec.scheduling_gates.empty()) return;
  record_.gated = false;
  record_.scheduled = std::chrono::system_clock::now();
  save(Durability::volatile_);
}

void Pod::restart_all() {
  bool any_active = false;
  for (auto& container : containers_) {
    if (!container->is_active()) continue;
    any_active = true;
    container->control().kill();
  }
  if (any_active) return;  // the end of each calls step()
  begin_anew(record_, std::chrono::system_clock::now());
  save(Durability::volatile_);
  report(Severity::kNormal, name_of(Reason::kKilling), "",
         "By a rule of a container that ended, all containers of pod " + record_.key() + " were killed and begin anew");
  step();
}

}  // namespace mete::agent
