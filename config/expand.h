// SPDX-License-Identifier: Apache-2.0
// Kubernetes' $(VAR) in env values, command and args.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mete::config {

// The value of a variable; empty when it is not defined.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

// Replaces each $(NAME) by its value. `$$` is a `$`, so $$(NAME) stays $(NAME); an undefined name, a `$` before
// anything else and an unclosed `$(` stay as they are. Values put in are not expanded again.
[[nodiscard]] std::string expand(std::string_view text, const Lookup& lookup);

}  // namespace mete::config
