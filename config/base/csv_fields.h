// SPDX-License-Identifier: Apache-2.0
// One record of comma-separated values (RFC 4180), as docker's `--mount` has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::config {

// A field in double quotes may have commas; "" within it is one quote. Error: a quote within a field that does not
// begin with one, text behind the closing quote, a quote that is not closed.
[[nodiscard]] Result<std::vector<std::string>> csv_fields(std::string_view record);

}  // namespace mete::config
