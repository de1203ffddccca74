// SPDX-License-Identifier: Apache-2.0
// The conditions of a Job. Pure. Reasons and sentences are those of Kubernetes (pkg/controller/job/job_controller.go).
#pragma once

#include <vector>

#include "agent/pods/status/pod_status.h"
#include "agent/workloads/job_plan.h"

namespace mete::agent {

[[nodiscard]] std::vector<PodCondition> conditions_of(const JobStatus& job);

}  // namespace mete::agent
