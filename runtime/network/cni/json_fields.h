// SPDX-License-Identifier: Apache-2.0
// Reading JSON that others have written: each error names the file or program, the field and what was found. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::runtime::network::cni {

using Json = nlohmann::json;

[[nodiscard]] Result<Json> parse_object(const std::string& text, const std::string& shown);
// A field that has to be a text which is not empty.
[[nodiscard]] Result<std::string> required_text(const Json& object, const char* name, const std::string& shown);
// Missing and null: empty.
[[nodiscard]] Result<std::string> optional_text(const Json& object, const char* name, const std::string& shown);
[[nodiscard]] Result<std::vector<std::string>> text_list(const Json& object, const char* name,
                                                         const std::string& shown);
// A list of objects. Missing and null: empty.
[[nodiscard]] Result<std::vector<Json>> object_list(const Json& object, const char* name, const std::string& shown);
// A value for an error: one line of at most 80 bytes.
[[nodiscard]] std::string shown_value(const Json& value);
// Text of another program for an error: one line of at most `most` bytes without control characters.
[[nodiscard]] std::string shown_text(std::string_view text, std::size_t most = 300);

}  // namespace mete::runtime::network::cni
