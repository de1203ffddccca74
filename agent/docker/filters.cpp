// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/filters.h"

#include <algorithm>
#include <charconv>

#include "collectors/discovery/runtimes.h"
#include "config/values/quantity.h"

namespace mete::agent::docker {

Result<Filters> Filters::parse(const std::string& text, std::initializer_list<const char*> known) {
  Filters filters;
  if (text.empty()) return filters;
  const Json value = runtime::parse_ordered(text);
  if (value.is_discarded() || !value.is_object())
    return fail("invalid filter: found \"" + text.substr(0, 80) + "\", expected a JSON object");
  for (const auto& item : value.items()) {
    const std::string& name = item.key();
    const Json& each = item.value();
    const auto is_name = [&](const char* other) { return name == other; };
    if (std::none_of(known.begin(), known.end(), is_name)) return fail("Invalid filter '" + name + "'");
    auto& values = filters.values_[name];
    if (each.is_array()) values = words_of(value, name.c_str());
    if (each.is_object()) {
      for (const auto& [word, on] : each.items()) {
        if (!on.is_boolean() || on.get<bool>()) values.push_back(word);
      }
    }
  }
  return filters;
}

std::vector<std::string> Filters::values(const std::string& name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::vector<std::string>() : at->second;
}

bool Filters::equals(const std::string& name, const std::string& value) const {
  const auto at = values_.find(name);
  if (at == values_.end() || at->second.empty()) return true;
  return std::find(at->second.begin(), at->second.end(), value) != at->second.end();
}

bool Filters::contains(const std::string& name, const std::string& value) const {
  const auto at = values_.find(name);
  if (at == values_.end() || at->second.empty()) return true;
  return std::any_of(at->second.begin(), at->second.end(), [&](std::string each) {
    // Clients that want one name alone ask for ^/name$.
    const bool begins = each.starts_with('^');
    const bool ends = each.ends_with('$');
    if (begins) each.erase(0, 1);
    if (ends) each.pop_back();
    if (each.starts_with('/')) each.erase(0, 1);
    if (begins && ends) return value == each;
    if (begins) return value.starts_with(each);
    return ends ? value.ends_with(each) : value.find(each) != std::string::npos;
  });
}

bool Filters::labels(const std::map<std::string, std::string>& labels) const {
  const auto wanted = values("label");
  const auto unwanted = values("label!");
  const auto has = [&](const std::string& each) {
    const auto equal = each.find('=');
    const auto at = labels.find(each.substr(0, equal));
    return at != labels.end() && (equal == std::string::npos || at->second == each.substr(equal + 1));
  };
  return std::all_of(wanted.begin(), wanted.end(), has) && std::none_of(unwanted.begin(), unwanted.end(), has);
}

Result<std::optional<enforcers::WallTime>> Filters::until() const {
  using std::chrono::system_clock;
  const auto words = values("until");
  if (words.empty()) return std::nullopt;
  if (words.size() > 1) return fail("more than one until filter specified");
  const std::string& text = words.front();
  std::int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, seconds);
  if (!text.empty() && parsed.ec == std::errc() && parsed.ptr == end && seconds >= 0 && seconds < (1LL << 33))
    return system_clock::time_point(std::chrono::seconds(seconds));
  if (const auto ago = config::parse_duration(text))
    return system_clock::now() - std::chrono::duration_cast<system_clock::duration>(*ago);
  if (const auto at = collectors::parse_rfc3339(text)) return *at;
  return fail("failed to parse value as time or duration: \"" + text + "\"");
}

Result<std::optional<bool>> Filters::truth(const std::string& name) const {
  const auto words = values(name);
  if (words.empty()) return std::nullopt;
  const auto all = [&](const char* word, const char* number) {
    return std::all_of(words.begin(), words.end(),
                       [&](const std::string& each) { return each == word || each == number; });
  };
  if (all("true", "1")) return true;
  if (all("false", "0")) return false;
  std::string shown;
  for (const auto& each : words) shown.append(shown.empty() ? "" : " ").append(each);
  return fail("Invalid filter '" + name + "=[" + shown + "]'");
}

bool is_true(const std::string& text) {
  return !text.empty() && text != "0" && text != "false" && text != "False" && text != "FALSE" && text != "no" &&
         text != "none";
}

}  // namespace mete::agent::docker
