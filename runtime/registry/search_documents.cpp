// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/search_documents.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "runtime/json_numbers.h"
#include "runtime/registry/reference.h"

namespace mete::runtime::registry {
namespace {

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

std::string text_member(const nlohmann::json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

bool is_set(const nlohmann::json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_boolean() && at->get<bool>();
}

Result<bool> yes_or_no(const std::string& word, std::string_view value) {
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return fail("--filter: found \"" + word + "\", expected true or false");
}

bool is_host(std::string_view part) {
  return part == "localhost" || part.find_first_of(".:") != std::string_view::npos;
}

}  // namespace

Result<SearchTerm> parse_search_term(const std::string& words) {
  const std::size_t slash = words.find('/');
  const bool other = slash != std::string::npos && is_host(std::string_view(words).substr(0, slash));
  SearchTerm term{other ? words.substr(0, slash) : kDockerHub, other ? words.substr(slash + 1) : words};
  if (term.text.empty() && !other) return fail("found nothing to search for, expected (a part of) a name");
  const bool printable = std::all_of(words.begin(), words.end(), [](unsigned char c) { return c > ' ' && c != 0x7F; });
  if (!printable) return fail("found a blank or a control character in the term, expected (a part of) a name");
  return term;
}

Result<SearchFilter> parse_search_filter(const std::vector<std::string>& words) {
  SearchFilter filter;
  for (const std::string& word : words) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string name = word.substr(0, equals);
    const std::string_view value = std::string_view(word).substr(std::min(equals + 1, word.size()));
    if (name == "is-official") {
      METE_TRY(filter.official, yes_or_no(word, value));
    } else if (name == "is-automated") {
      METE_TRY(filter.automated, yes_or_no(word, value));
    } else if (name == "stars") {
      const auto [at, error] = std::from_chars(value.data(), value.data() + value.size(), filter.stars);
      if (error != std::errc() || at != value.data() + value.size() || filter.stars < 0)
        return fail("--filter: found \"" + word + "\", expected stars=NUMBER");
    } else {
      return fail("--filter: found \"" + word + "\", expected is-official, is-automated or stars");
    }
  }
  return filter;
}

bool fits(const FoundImage& image, const SearchFilter& filter) {
  return image.stars >= filter.stars && filter.official.value_or(image.official) == image.official &&
         filter.automated.value_or(image.automated) == image.automated;
}

Result<std::vector<FoundImage>> parse_search(std::string_view answer, const std::string& host) {
  const auto value = nlohmann::json::parse(answer, nullptr, false);
  if (!value.is_object() || !value.contains("results") || !value["results"].is_array())
    return fail("found no list of results, expected the answer to a search");
  std::vector<FoundImage> found;
  for (const auto& each : value["results"]) {
    if (!each.is_object() || text_member(each, "name").empty()) continue;
    const auto stars = each.find("star_count");
    found.push_back({(host == kDockerHub ? "" : host + "/") + text_member(each, "name"),
                     text_member(each, "description"),
                     stars != each.end() ? std::max<std::int64_t>(whole<std::int64_t>(*stars).value_or(0), 0) : 0,
                     is_set(each, "is_official"), is_set(each, "is_automated")});
  }
  return found;
}

Result<std::vector<std::string>> parse_catalog(std::string_view answer) {
  const auto value = nlohmann::json::parse(answer, nullptr, false);
  if (!value.is_object() || !value.contains("repositories")) return fail("found no list of repositories, expected one");
  std::vector<std::string> names;
  if (value["repositories"].is_null()) return names;
  for (const auto& each : value["repositories"]) {
    if (each.is_string()) names.push_back(each.get<std::string>());
  }
  return names;
}

std::vector<FoundImage> matching(const std::vector<std::string>& repositories, const SearchTerm& term) {
  const std::string wanted = in_lower_case(term.text);
  std::vector<FoundImage> found;
  for (const std::string& each : repositories) {
    if (in_lower_case(each).find(wanted) != std::string::npos)
      found.push_back({.name = (term.host == kDockerHub ? "" : term.host + "/") + each, .description = ""});
  }
  return found;
}

std::string next_page(std::string_view link) {
  while (!link.empty()) {
    const std::size_t open = link.find('<');
    const std::size_t close = link.find('>', open == std::string_view::npos ? link.size() : open);
    if (close == std::string_view::npos) return "";
    const std::string_view url = link.substr(open + 1, close - open - 1);
    const std::size_t end = std::min(link.find(',', close), link.size());
    const std::string parameters = in_lower_case(link.substr(close, end - close));
    if (parameters.find("rel=\"next\"") != std::string::npos || parameters.find("rel=next") != std::string::npos)
      return std::string(url);
    link.remove_prefix(std::min(end + 1, link.size()));
  }
  return "";
}

}  // namespace mete::runtime::registry
