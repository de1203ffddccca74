// SPDX-License-Identifier: Apache-2.0
// Checks a manifest against the field tables: unknown, missing, doubled fields, wrong types, amounts that are none,
// and warnings for what mete does not act on. Internal to config/.
#pragma once

#include <string_view>

#include "config/reading/fields.h"
#include "config/reading/view.h"

namespace mete::config {

// `inactive` ends the warning about a field that nothing is done with: "is not acted on yet".
void check_shape(const View& view, const ObjectSpec& spec, std::string_view inactive);

}  // namespace mete::config
