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

// Replaces each $(NAME) by its value. `$$` gives `$`, so $$(NAME) gives $(NAME). An undefined name, a `$` before any
// other character and an unclosed `$(` are left unchanged. Inserted values are not expanded again.
[[nodiscard]] std::string expand(std::string_view text, const Lookup& lookup);

// The text that expand() turns into `text`, whatever the variables are: each `$` that means something to expand() is
// doubled. For what was written for a program that expands nothing.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace mete::config
