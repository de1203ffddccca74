// SPDX-License-Identifier: Apache-2.0
// Which limits a pod and its containers are under, who asked for them, and what lately came of it.
#pragma once

#include "agent/foreign/ledger.h"
#include "agent/pods/pod.h"
#include "runtime/json.h"

namespace mete::agent {

[[nodiscard]] nlohmann::ordered_json explain_json(Pod& pod);

// The same of a cgroup that others made. `policy`: null when none holds it; `changed`: what mete has written on cgroups
// of others.
[[nodiscard]] nlohmann::ordered_json explain_json(const Services& services, const runtime::cgroup::Group& group,
                                                  const config::Policy* policy, const std::vector<Knob>& changed);

}  // namespace mete::agent
