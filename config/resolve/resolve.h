// SPDX-License-Identifier: Apache-2.0
// Resolves the references of one Pod to plain values. Internal to config/.
#pragma once

#include <string>
#include <vector>

#include "config/resolve/desired_state.h"

namespace mete::config {

struct Findings {
  std::vector<Diagnostic>& errors;    // the pod cannot run
  std::vector<Diagnostic>& warnings;  // the pod waits for something that does not exist yet
};

// docker's config.json of each of imagePullSecrets. One that is missing or none is left out with a warning, as by the
// kubelet.
[[nodiscard]] std::vector<std::string> pull_logins(const Pod& pod, const Surroundings& data, Findings findings);

// Fills `plan`, except `policy`, from plan.pod.
void resolve(PodPlan& plan, const Surroundings& data, Findings findings);

}  // namespace mete::config
