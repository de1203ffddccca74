// SPDX-License-Identifier: Apache-2.0
// Explains the limits of a pod and its containers: their values, where each comes from, and recent events about them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agent/foreign/ledger.h"
#include "agent/pods/pod.h"

namespace mete::agent {

[[nodiscard]] nlohmann::ordered_json explain_json(Pod& pod);

// The same for a cgroup that others made. `policy`: null when no policy applies to it; `changed`: what mete has written
// on cgroups of others.
[[nodiscard]] nlohmann::ordered_json explain_json(const Services& services, const runtime::cgroup::Group& group,
                                                  const config::Policy* policy, const std::vector<Knob>& changed);

}  // namespace mete::agent
