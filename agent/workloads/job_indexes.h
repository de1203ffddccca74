// SPDX-License-Identifier: Apache-2.0
// Which indexes of an Indexed Job count, and which pods go first for their index. Pure. The rules are those of
// Kubernetes (pkg/controller/job/indexed_job_utils.go). `completions` of such a Job may be lowered and raised while it
// runs: what is beyond it is as if it had never been.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/workloads/child.h"
#include "config/model/workloads.h"

namespace mete::agent {

// False: the pod is of an index that the Job has not. A Job without indexes has all its pods.
[[nodiscard]] bool has_index_of(const config::JobSpec& spec, const Child& child);

// "1,3-5"
[[nodiscard]] std::string ranges_text(const std::set<int>& indexes);

// Names of active children that are to go: all whose index the Job has not, of each index all but one, and with them
// `surplus` at least, the most dispensable first.
[[nodiscard]] std::vector<std::string> dispensable_of_job(const config::JobSpec& spec,
                                                          const std::vector<Child>& children, int surplus);

}  // namespace mete::agent
