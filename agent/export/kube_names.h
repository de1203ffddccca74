// SPDX-License-Identifier: Apache-2.0
// Labels and annotations of objects as kube-state-metrics writes them, where agent.yaml allows them by name
// (`export: {kubeLabels: {services: [app]}}`, its --metric-labels-allowlist): kube_service_labels with label_app, and
// so on. An object of an allowed kind has a line also where it has none of the names. Pure.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/export/kube_metrics.h"
#include "config/model/agent_config.h"
#include "runtime/json.h"

namespace mete::agent {

[[nodiscard]] std::span<const KubeFamily> kube_name_families();

// The labels of a metric for these of an object. `prefix`: "label" or "annotation". A name is written in the letters
// that Prometheus takes, in snake case; several names that become one have _conflict1 and on behind them, in the order
// of the names in the object.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> prometheus_labels(
    const std::string& prefix, const std::map<std::string, std::string>& of_object,
    const std::vector<std::string>& allowed);

// Of objects of all kinds, as the API server of Kubernetes gives them; several lists, as they are made.
void write_kube_names(std::string& out, const std::vector<const std::vector<nlohmann::ordered_json>*>& objects,
                      const config::ExportPolicy& policy, collectors::Format format);

}  // namespace mete::agent
