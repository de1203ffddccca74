// SPDX-License-Identifier: Apache-2.0
#include "agent/api/prune.h"

#include <algorithm>

#include "config/model/selector_text.h"

namespace mete::agent {

Result<std::vector<AppliedObject>> to_prune(const Manifests& manifests, const std::string& selector,
                                            const std::vector<AppliedObject>& kept) {
  if (selector.empty()) return std::vector<AppliedObject>();
  METE_TRY(const config::Selector labels, config::parse_selector(selector));
  auto found = manifests.applied(labels);
  std::erase_if(found, [&](const AppliedObject& each) {
    return std::any_of(kept.begin(), kept.end(),
                       [&](const AppliedObject& other) { return other.file_name() == each.file_name(); });
  });
  return found;
}

}  // namespace mete::agent
