// SPDX-License-Identifier: Apache-2.0
// Resolves the references of one Pod to plain values. Internal to config/.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/desired_state.h"

namespace mete::config {

// All ConfigMaps and Secrets, by "namespace/name".
struct DataIndex {
  std::map<std::string, const ConfigMap*> config_maps;
  std::map<std::string, const Secret*> secrets;
};

// Fills `plan`, except `policy`, from plan.pod. Appends missing references to `errors`.
void resolve(PodPlan& plan, const DataIndex& data, std::vector<Diagnostic>& errors);

}  // namespace mete::config
