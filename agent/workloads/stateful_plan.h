// SPDX-License-Identifier: Apache-2.0
// What a StatefulSet and a DaemonSet do next. Pure. The rules are Kubernetes'
// (pkg/controller/statefulset/stateful_set_control.go, pkg/controller/daemon/update.go), with one exception: a pod of
// an old revision that does not get ready is replaced by one of the new revision, where Kubernetes waits for a person.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/workloads/child.h"
#include "config/model/workloads.h"

namespace mete::agent {

struct NewPod {
  int ordinal = -1;  // -1: of a DaemonSet
  std::string revision;
  bool operator==(const NewPod&) const = default;
};

struct SetPlan {
  std::vector<NewPod> create;
  std::vector<std::string> remove;  // names
  std::string current;              // the revision of the pods that are not to be updated
  std::optional<WallTime> look_again;
};

struct StatefulFacts {
  const config::StatefulSetSpec& spec;
  int replicas = 0;
  std::string current;  // revisions
  std::string update;
  const std::vector<Child>& children;
};
[[nodiscard]] SetPlan plan_stateful_set(const StatefulFacts& facts, WallTime now);

// One pod, on this machine.
[[nodiscard]] SetPlan plan_daemon_set(const config::DaemonSetSpec& spec, const std::string& update,
                                      const std::vector<Child>& children, WallTime now);

}  // namespace mete::agent
