// SPDX-License-Identifier: Apache-2.0
// Documents whose members keep their order, in time that grows with their size. nlohmann's ordered_json compares each
// member that it takes with all before it: an object of a million members, which are 10 MB, would take an hour.
// Whatever strangers send or wrote is read with parse_ordered(), or as nlohmann::json where the order means nothing.
// Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "runtime/json.h"

namespace mete::runtime {

// As ordered_json::parse(text, nullptr, false): is_discarded() where the text is no JSON; of several members with one
// name the last value, at the first one's place.
[[nodiscard]] nlohmann::ordered_json parse_ordered(std::string_view text);

// {"a": {}, "b": {}}: how docker writes sets.
[[nodiscard]] nlohmann::ordered_json empty_objects(const std::set<std::string>& names);

}  // namespace mete::runtime
