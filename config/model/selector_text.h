// SPDX-License-Identifier: Apache-2.0
// kubectl's words for labels: "app=web,tier!=front,canary,!old,zone in (a,b)".
#pragma once

#include <string_view>

#include "config/base/result.h"
#include "config/model/policy.h"

namespace mete::config {

// All parts must match. The error says what was found; an empty text is an error, too: it would select everything.
[[nodiscard]] Result<Selector> parse_selector(std::string_view text);

}  // namespace mete::config
