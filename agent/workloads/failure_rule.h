// SPDX-License-Identifier: Apache-2.0
// Which rule of a Job's podFailurePolicy a failed pod meets. Pure. The order and the sentences are those of Kubernetes
// (pkg/controller/job/pod_failure_policy.go).
#pragma once

#include <string>

#include "agent/workloads/child.h"
#include "config/model/workloads.h"

namespace mete::agent {

struct MetFailureRule {
  const config::FailureRule* rule = nullptr;  // points into the Job's spec; null: none is met
  std::string message;                        // of the Job, when the rule's action is FailJob
};

[[nodiscard]] MetFailureRule met_failure_rule(const config::JobSpec& spec, const Child& failed);

}  // namespace mete::agent
