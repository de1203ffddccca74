// SPDX-License-Identifier: Apache-2.0
// Why a container waits, as Kubernetes' API and kube-state-metrics say it.
#pragma once

#include <string>

#include "agent/pods/record/pod_record.h"

namespace mete::agent {

// Of all containers of a pod that its kernel cannot run as it asks (kubelet.go of Kubernetes, canRunPod()).
inline constexpr const char* kBlocked = "Blocked";

// Of a container that neither runs nor has ended for good. Where nothing better is known: "PodInitializing" in a pod
// with init containers, of these and of the others, else "ContainerCreating" (convertToAPIContainerStatuses in
// pkg/kubelet/kubelet_pods.go of Kubernetes).
[[nodiscard]] std::string waiting_reason(const PodRecord& pod, const ContainerRecord& container);

}  // namespace mete::agent
