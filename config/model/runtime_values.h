// SPDX-License-Identifier: Apache-2.0
// Values that are known only when a container starts: the machine's name and addresses, and the resources that the
// container has by then. Until then a text holds a mark in their place. A mark is a key between two NUL characters,
// which no variable, argument or name can contain. So a plan does not change when an address or a limit does.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace mete::config {

// The mark of a key; downward.h has the keys and their values.
[[nodiscard]] std::string runtime_value(std::string_view key);

[[nodiscard]] inline bool has_runtime_value(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

// `text` with each mark replaced by value(key).
[[nodiscard]] std::string fill_runtime_values(std::string_view text,
                                              const std::function<std::string(std::string_view key)>& value);

}  // namespace mete::config
