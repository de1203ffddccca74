// SPDX-License-Identifier: Apache-2.0
// What a field means, from the tables of the reader, in the layout of `kubectl explain`.
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::config {

// "pod.spec.containers.resources", "configmap", "policy.spec.memory". Whether the first part is a kind that has help.
[[nodiscard]] bool names_field(std::string_view path);

// The error names the part that is no field, and the nearest that is.
[[nodiscard]] Result<std::string> field_help(std::string_view path);

}  // namespace mete::config
