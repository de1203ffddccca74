// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/wish.h"

#include <algorithm>
#include <cctype>

#include "agent/cli/objects/kinds.h"

namespace mete::agent::cli {
namespace {

bool same_word(const std::string& a, const std::string& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
           return std::tolower(x) == std::tolower(y);
         });
}

bool has_condition(const Wish& wish, const Json& object) {
  const std::int64_t generation = number_at(object, {"metadata", "generation"});
  for (const auto& each : list_at(object, {"status", "conditions"})) {
    if (!same_word(text_at(each, {"type"}), wish.name)) continue;
    const std::int64_t seen =
        number_at(each, {"observedGeneration"}, number_at(object, {"status", "observedGeneration"}, generation));
    return seen >= generation && same_word(text_at(each, {"status"}), wish.value);
  }
  return false;
}

}  // namespace

Result<Wish> parse_wish(const std::string& text) {
  constexpr std::string_view kCondition = "condition=";
  constexpr std::string_view kPath = "jsonpath=";
  if (text == "delete") return Wish{.kind = Wish::Kind::kDelete};
  if (text == "create") return Wish{.kind = Wish::Kind::kCreate};
  if (text.starts_with(kCondition)) {
    const std::string rest = text.substr(kCondition.size());
    const auto equals = rest.find('=');
    return Wish{.name = rest.substr(0, equals),
                .value = equals == std::string::npos ? "True" : rest.substr(equals + 1)};
  }
  if (text.starts_with(kPath)) {
    const std::string rest = text.substr(kPath.size());
    // The value may hold braces, and so may a filter of the path: the last "}=" parts them.
    const auto close = std::min(rest.rfind("}="), rest.rfind('}'));
    if (!rest.starts_with('{') || close == std::string::npos)
      return fail("--for: found \"" + text +
                  "\", expected a path in braces such as jsonpath='{.status.phase}'=Running");
    const bool has_value = rest.substr(close + 1).starts_with('=');
    METE_TRY(JsonPath path, JsonPath::parse(rest.substr(0, close + 1)));
    return Wish{.kind = Wish::Kind::kPath, .value = has_value ? rest.substr(close + 2) : "", .path = std::move(path)};
  }
  return fail("--for: found \"" + text +
              "\", expected condition=NAME[=VALUE], create, delete or jsonpath='{PATH}'[=VALUE]");
}

bool is_granted(const Wish& wish, const Json& object) {
  switch (wish.kind) {
    case Wish::Kind::kDelete:
      return object.is_null();
    case Wish::Kind::kCreate:
      return !object.is_null();
    case Wish::Kind::kCondition:
      return has_condition(wish, object);
    case Wish::Kind::kPath:
      break;
  }
  const auto found = wish.path->values(object);
  if (wish.value.empty()) return !found.empty();
  return found.size() == 1 && found.front() == wish.value;
}

}  // namespace mete::agent::cli
