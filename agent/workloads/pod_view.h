// SPDX-License-Identifier: Apache-2.0
// A pod of this agent as the plans see it.
#pragma once

#include "agent/pods/pod.h"
#include "agent/workloads/child.h"

namespace mete::agent {

[[nodiscard]] Child child_of(const Pod& pod);

}  // namespace mete::agent
