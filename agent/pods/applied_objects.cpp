// SPDX-License-Identifier: Apache-2.0
#include <span>

#include "agent/pods/manifests.h"

namespace mete::agent {

std::vector<AppliedObject> Manifests::applied(const config::Selector& selector) const {
  std::vector<AppliedObject> found;
  const auto add = [&](const char* kind, const auto& objects) {
    for (const auto& each : objects) {
      if (config::matches(selector, each.metadata.labels))
        found.push_back({kind, each.metadata.namespace_, each.metadata.name, {}});
    }
  };
  for (const auto& [path, file] : files_) {
    if (!path.starts_with(settings_.applied() + "/")) continue;
    add("Pod", file.good.pods);
    for (const auto& plan : file.planned) add("Pod", std::span(&plan->pod, 1));
    add("Policy", file.good.policies);
    add("ConfigMap", file.good.config_maps);
    add("Secret", file.good.secrets);
    add("RuntimeClass", file.good.runtime_classes);
    for (const auto& each : file.good.workloads) {
      if (config::matches(selector, each.metadata.labels))
        found.push_back(
            {std::string(config::to_string(each.kind())), each.metadata.namespace_, each.metadata.name, {}});
    }
  }
  return found;
}

}  // namespace mete::agent
