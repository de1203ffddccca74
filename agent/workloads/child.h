// SPDX-License-Identifier: Apache-2.0
// A pod as the workload that made it sees it. Values only, so that what a workload does next can be decided by pure
// functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/pods/status/pod_logic.h"
#include "enforcers/restart.h"

namespace mete::agent {

struct ContainerEnd {
  std::string container;
  int exit_code = 0;
};

struct Child {
  std::string name;
  std::string uid;
  std::string revision;                 // of the template that it was made from
  int index = -1;                       // ordinal or completion index
  PodPhase phase = PodPhase::kPending;  // of its containers; also while it terminates
  bool terminating = false;
  bool ready = false;
  WallTime ready_since{};
  WallTime created{};
  WallTime finished{};  // the last end of a container
  std::uint64_t restarts = 0;
  std::int64_t deletion_cost = 0;       // annotation controller.kubernetes.io/pod-deletion-cost
  std::vector<ContainerEnd> ends;       // of containers that have ended for good
  std::vector<std::string> conditions;  // types of conditions that are True, beyond those of readiness
};

// It runs, or will: it counts as one of its workload's pods.
[[nodiscard]] bool is_active(const Child& child);
// Ready for `min_ready` at least.
[[nodiscard]] bool is_available(const Child& child, std::chrono::seconds min_ready, WallTime now);

// The earlier of two times to look again.
void look_at(std::optional<WallTime>& look_again, WallTime at);

// How many pods there are; those that end are none of them.
struct PodCounts {
  int replicas = 0;
  int ready = 0;
  int available = 0;
  int terminating = 0;
  bool operator==(const PodCounts&) const = default;
};
// `look_again`: when the next of them becomes available.
[[nodiscard]] PodCounts count(const std::vector<Child>& children, std::chrono::seconds min_ready, WallTime now,
                              std::optional<WallTime>& look_again);

}  // namespace mete::agent
