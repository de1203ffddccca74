// SPDX-License-Identifier: Apache-2.0
// How far a rollout is, in kubectl's sentences. Pure.
#pragma once

#include <string>

#include "agent/cli/objects/kinds.h"

namespace mete::agent::cli {

struct RolloutStatus {
  std::string text;
  bool done = false;
};

// Of an object in the shape of Kubernetes' API. The error: the rollout has failed, or there is none of the kind.
// `revision` above 0: that of a Deployment that is waited for; another one is an error.
[[nodiscard]] Result<RolloutStatus> rollout_status(const Json& object, std::int64_t revision);

}  // namespace mete::agent::cli
