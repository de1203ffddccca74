// SPDX-License-Identifier: Apache-2.0
// How much two words differ. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace mete::config {

// Number of edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. Takes the time of a.size()
// times b.size(): the caller bounds them.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace mete::config
