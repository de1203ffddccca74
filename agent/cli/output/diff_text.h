// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mete::agent::cli {

// All lines of both texts, each after "  " (in both), "- " (in the old one only) or "+ ". Takes memory for the product
// of the numbers of lines: manifests are short.
[[nodiscard]] std::string diff_text(const std::string& old_text, const std::string& new_text);

}  // namespace mete::agent::cli
