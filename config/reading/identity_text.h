// SPDX-License-Identifier: Apache-2.0
// The text of the fields that count into a Pod's identity by what the manifest says (FieldSpec::identity_by_text).
// Internal to config/.
#pragma once

#include <string>

#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

// One line a field: spec.hostAliases=[{"hostnames":["a"],"ip":"10.0.0.1"}]. Keys of mappings are sorted, items of
// lists keep their order. Missing, null, empty and false say the same: nothing.
[[nodiscard]] std::string identity_text(const View& view, const ObjectSpec& spec);

}  // namespace mete::config
