// SPDX-License-Identifier: Apache-2.0
// References of one Pod to plain values. Internal to config/.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/desired_state.h"

namespace mete::config {

// All ConfigMaps and Secrets there are, by "namespace/name".
struct DataIndex {
  std::map<std::string, const ConfigMap*> config_maps;
  std::map<std::string, const Secret*> secrets;
};

// Fills everything of `plan` but `policy` from plan.pod. Appends to `errors` what does not exist.
void resolve(PodPlan& plan, const DataIndex& data, std::vector<Diagnostic>& errors);

}  // namespace mete::config
