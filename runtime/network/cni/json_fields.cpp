// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/cni/json_fields.h"

#include <algorithm>

namespace mete::runtime::network::cni {

Result<Json> parse_object(const std::string& text, const std::string& shown) {
  Json value = Json::parse(text.data(), text.data() + text.size(), nullptr, false, false);
  if (value.is_discarded()) return fail(shown + ": found \"" + shown_text(text, 80) + "\", expected JSON");
  if (!value.is_object()) return fail(shown + ": found " + shown_value(value) + ", expected a JSON object");
  return value;
}

Result<std::string> optional_text(const Json& object, const char* name, const std::string& shown) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::string();
  if (!found->is_string()) return fail(shown + ": " + name + ": found " + shown_value(*found) + ", expected a text");
  return found->get<std::string>();
}

Result<std::string> required_text(const Json& object, const char* name, const std::string& shown) {
  METE_TRY(auto text, optional_text(object, name, shown));
  if (text.empty()) return fail(shown + ": " + name + ": found none, expected a text");
  return text;
}

Result<std::vector<std::string>> text_list(const Json& object, const char* name, const std::string& shown) {
  std::vector<std::string> all;
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return all;
  const bool texts =
      found->is_array() && std::all_of(found->begin(), found->end(), [](const Json& each) { return each.is_string(); });
  if (!texts) return fail(shown + ": " + name + ": found " + shown_value(*found) + ", expected a list of texts");
  for (const auto& each : *found) all.push_back(each.get<std::string>());
  return all;
}

Result<std::vector<Json>> object_list(const Json& object, const char* name, const std::string& shown) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::vector<Json>();
  const bool objects =
      found->is_array() && std::all_of(found->begin(), found->end(), [](const Json& each) { return each.is_object(); });
  if (!objects) return fail(shown + ": " + name + ": found " + shown_value(*found) + ", expected a list of objects");
  return std::vector<Json>(found->begin(), found->end());
}

std::string shown_value(const Json& value) {
  return shown_text(value.dump(-1, ' ', false, Json::error_handler_t::replace), 80);
}

std::string shown_text(std::string_view text, std::size_t most) {
  std::string shown;
  for (const char each : text.substr(0, most)) {
    const bool control = static_cast<unsigned char>(each) < ' ' || each == 0x7f;
    if (!control) shown += each;
    if (control && !shown.empty() && shown.back() != ' ') shown += ' ';
  }
  while (!shown.empty() && shown.back() == ' ') shown.pop_back();
  return text.size() > most ? shown + "..." : shown;
}

}  // namespace mete::runtime::network::cni
