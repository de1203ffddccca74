// SPDX-License-Identifier: Apache-2.0
// `mete apply --prune`: what was applied before, has the labels, and is no more in the manifest.
#pragma once

#include <string>
#include <vector>

#include "agent/pods/manifests/manifests.h"

namespace mete::agent {

// The objects to remove; none without a selector. The error: what is wrong with the selector.
[[nodiscard]] Result<std::vector<AppliedObject>> to_prune(const Manifests& manifests, const std::string& selector,
                                                          const std::vector<AppliedObject>& kept);

}  // namespace mete::agent
