// SPDX-License-Identifier: Apache-2.0
// Cutting text at separators. No allocation, no locale.
#pragma once

#include <string_view>

namespace mete::config {

// Takes the first part off `rest`, up to the separator, which is dropped.
[[nodiscard]] inline std::string_view next_part(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

}  // namespace mete::config
