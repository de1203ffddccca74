// SPDX-License-Identifier: Apache-2.0
// Kubernetes' quality-of-service classes and the oom_score_adj that follows from them.
#pragma once

#include <string_view>

#include "config/base/units.h"
#include "config/model/pod_spec.h"

namespace mete::enforcers {

enum class QosClass { kGuaranteed, kBurstable, kBestEffort };

[[nodiscard]] std::string_view to_string(QosClass qos);

// Guaranteed: every container has cpu and memory limits, and requests equal to them. BestEffort: no container has any
// request or limit. Burstable: the rest. Init containers count (Kubernetes, pkg/apis/core/v1/helper/qos). The resources
// of the whole pod, where it has them, count in place of the containers'.
[[nodiscard]] QosClass qos_of(const config::PodSpec& spec);

// The kubelet's value (pkg/kubelet/qos/policy.go): Guaranteed -997, BestEffort 1000, Burstable 3 to 999: the larger the
// requested share of the machine's memory, the lower the value, and the later the container is killed.
// What the pod requests beyond its containers is shared by them equally.
[[nodiscard]] int oom_score_adj(const config::PodSpec& spec, const config::Container& container, Bytes machine_memory);

}  // namespace mete::enforcers
