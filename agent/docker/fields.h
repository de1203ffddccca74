// SPDX-License-Identifier: Apache-2.0
// Fields of docker's JSON: null, "" and a field that is not there are the same to its clients. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/ordered_json.h"

namespace mete::agent::docker {

using Json = nlohmann::ordered_json;

// A value of another type counts as none; of a container that is created, check_types() (body_types.h) refuses it.
[[nodiscard]] const Json& field(const Json& object, const char* name);  // null: there is none
[[nodiscard]] std::string text_of(const Json& object, const char* name);
[[nodiscard]] std::int64_t number_of(const Json& object, const char* name, std::int64_t otherwise = 0);
[[nodiscard]] bool flag_of(const Json& object, const char* name);
[[nodiscard]] std::vector<std::string> words_of(const Json& object, const char* name);  // a single text is one word
[[nodiscard]] std::map<std::string, std::string> texts_of(const Json& object, const char* name);
[[nodiscard]] std::vector<std::string> names_in(const Json& object, const char* name);  // keys of an object

[[nodiscard]] Json or_object(const Json& value);  // {} in place of what is no object

// null, "", 0, false, [] and {}, and objects and lists of nothing else.
[[nodiscard]] bool is_nothing(const Json& value);

// A name of a container or a volume: [a-zA-Z0-9][a-zA-Z0-9_.-], 2 to 255 characters.
[[nodiscard]] bool is_plain_name(const std::string& name);

// The error has docker's words.
[[nodiscard]] Result<Json> parse_body(const std::string& body);
// Of a request that says nothing without one.
[[nodiscard]] Result<Json> parse_required_body(const std::string& body);

}  // namespace mete::agent::docker
