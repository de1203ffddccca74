// SPDX-License-Identifier: Apache-2.0
// Checks a manifest against the field tables. Errors: unknown, missing and doubled fields, wrong types, malformed
// amounts. Warnings: fields that mete does not act on. Internal to config/.
#pragma once

#include <string_view>

#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

// `inactive` is the end of the warning about a field without effect: "is not acted on yet".
void check_shape(const View& view, const ObjectSpec& spec, std::string_view inactive);

}  // namespace mete::config
