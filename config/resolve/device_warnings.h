// SPDX-License-Identifier: Apache-2.0
// Which Pods ask for more devices than this machine has now. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/model/documents.h"

namespace mete::config {

// A warning for each container, of Pods and of the templates of workloads. `counts`: the devices of the machine by
// kind, whoever has them.
[[nodiscard]] std::vector<Diagnostic> device_warnings(const Documents& documents,
                                                      const std::map<std::string, std::int64_t>& counts);

}  // namespace mete::config
