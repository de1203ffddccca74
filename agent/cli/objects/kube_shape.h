// SPDX-License-Identifier: Apache-2.0
// A pod as Kubernetes' API shows it, made of what mete's own API says, so that paths and conditions that people know
// hold here. Pure.
#pragma once

#include "agent/cli/output.h"

namespace mete::agent::cli {

// metadata (name, namespace, uid, labels, creationTimestamp) and status (phase, reason, message, conditions,
// containerStatuses, initContainerStatuses).
[[nodiscard]] Json kube_shape(const Json& pod);

}  // namespace mete::agent::cli
