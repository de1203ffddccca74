// SPDX-License-Identifier: Apache-2.0
// The functions of templates: Go's own (index, len, eq, printf, ...) and docker's (json, join, split, ...). Pure.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::agent::cli::templates {

using Json = nlohmann::ordered_json;

// The error: no such function, or words that it does not take.
[[nodiscard]] Result<Json> call_function(const std::string& name, const std::vector<Json>& words);

// As Go prints a value: a text as it is, lists as [a b], objects as map[a:1 b:2] in the order of their keys.
[[nodiscard]] std::string go_text(const Json& value);
// What {{if}} takes for true: neither null nor false, 0, "" or empty.
[[nodiscard]] bool is_truth(const Json& value);

}  // namespace mete::agent::cli::templates
