// SPDX-License-Identifier: Apache-2.0
// `immutable: true` of ConfigMaps and Secrets: the data, and that word itself, change only with the object's removal.
#pragma once

#include <vector>

#include "config/model/documents.h"

namespace mete::config {

// What of `after` may not be, because an object of the same name in `before` is immutable. Pure.
[[nodiscard]] std::vector<Diagnostic> forbidden_changes(const Documents& before, const Documents& after);

}  // namespace mete::config
