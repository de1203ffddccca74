// SPDX-License-Identifier: Apache-2.0
// ${NAME} in the values of a compose file (compose-spec.io, interpolation). Internal to config/.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::config {

// `text` with $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:+text}, ${NAME+text}, ${NAME:?error} and
// ${NAME?error} replaced; `$$` is `$`. A name without a value is put into `missing`, and is empty. Error: ${ without },
// or a variable that must be set is not.
[[nodiscard]] Result<std::string> interpolate(
    std::string_view text, const std::function<std::optional<std::string>(const std::string&)>& variable,
    std::vector<std::string>& missing);

}  // namespace mete::config
