// SPDX-License-Identifier: Apache-2.0
// What a row of `mete get pods` says of a pod. Pure: JSON in the shape of Kubernetes' API to words and numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/cli/objects/kinds.h"

namespace mete::agent::cli {

struct PodSummary {
  std::size_t ready = 0;       // of `containers`
  std::size_t containers = 0;  // the regular ones and the sidecars
  std::string status;          // "Running", "Completed", "Init:0/2", "CrashLoopBackOff", ...
  std::int64_t restarts = 0;   // of init containers only while the pod initializes, of sidecars always
  std::string last_restart;    // when the last attempt of these ended, RFC 3339; empty: none has
};

// As kubectl's (printPod in pkg/printers/internalversion/printers.go of Kubernetes).
[[nodiscard]] PodSummary pod_summary(const Json& pod);

}  // namespace mete::agent::cli
