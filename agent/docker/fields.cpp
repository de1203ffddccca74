// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/fields.h"

#include <algorithm>

#include "runtime/json_numbers.h"

namespace mete::agent::docker {

const Json& field(const Json& object, const char* name) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto at = object.find(name);
  return at == object.end() ? kNone : *at;
}

std::string text_of(const Json& object, const char* name) {
  const Json& value = field(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::int64_t number_of(const Json& object, const char* name, std::int64_t otherwise) {
  const Json& value = field(object, name);
  return runtime::whole<std::int64_t>(value).value_or(otherwise);
}

bool flag_of(const Json& object, const char* name) {
  const Json& value = field(object, name);
  return value.is_boolean() && value.get<bool>();
}

std::vector<std::string> words_of(const Json& object, const char* name) {
  const Json& value = field(object, name);
  if (value.is_string()) return {value.get<std::string>()};
  std::vector<std::string> words;
  if (!value.is_array()) return words;
  for (const auto& each : value) {
    if (each.is_string()) words.push_back(each.get<std::string>());
  }
  return words;
}

std::map<std::string, std::string> texts_of(const Json& object, const char* name) {
  std::map<std::string, std::string> texts;
  const Json& value = field(object, name);
  if (!value.is_object()) return texts;
  for (const auto& [key, each] : value.items()) texts[key] = each.is_string() ? each.get<std::string>() : "";
  return texts;
}

std::vector<std::string> names_in(const Json& object, const char* name) {
  std::vector<std::string> names;
  const Json& value = field(object, name);
  if (!value.is_object()) return names;
  for (const auto& [key, each] : value.items()) names.push_back(key);
  return names;
}

Json or_object(const Json& value) {
  return value.is_object() ? value : Json::object();
}

bool is_nothing(const Json& value) {
  if (value.is_null()) return true;
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  if (value.is_number()) return value.get<double>() == 0;
  if (value.is_boolean()) return !value.get<bool>();
  return std::all_of(value.begin(), value.end(), is_nothing);
}

bool is_plain_name(const std::string& name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return name.size() > 1 && name.size() <= 255 && is_word(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return is_word(c) || c == '_' || c == '.' || c == '-'; });
}

Result<Json> parse_body(const std::string& body) {
  if (body.empty()) return Json::object();
  Json value = runtime::parse_ordered(body);
  if (value.is_discarded()) return fail("invalid JSON: the request's body is not whole, or no JSON");
  if (!value.is_object()) return fail("invalid JSON: expected an object");
  return value;
}

Result<Json> parse_required_body(const std::string& body) {
  if (body.empty()) return fail("got EOF while reading request body");
  return parse_body(body);
}

}  // namespace mete::agent::docker
