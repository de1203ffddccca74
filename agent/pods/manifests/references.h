// SPDX-License-Identifier: Apache-2.0
// What becomes of a pod whose ConfigMaps and Secrets are missing or change: it waits, with the kubelet's reasons, and
// the files in its volumes follow.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/base/event_reasons.h"
#include "agent/pods/record/pod_record.h"
#include "config/resolve/desired_state.h"

namespace mete::agent {

class Pod;

struct WaitsFor {
  Reason event;
  std::string reason;   // that the container shows
  std::string message;  // the kubelet's
};

// Why the container of that name cannot be launched. `volumes_made`: those that were made once are not waited for any
// more. Pure.
[[nodiscard]] std::optional<WaitsFor> waits_for(const config::PodPlan& plan, const std::string& container,
                                                bool volumes_made);

// Containers that wait for a reference are tried again at once.
void retry_references(PodRecord& record);

// Writes the files of the plan into volumes that are there, and tells of it.
void exchange_files(Pod& pod);

}  // namespace mete::agent
