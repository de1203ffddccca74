// SPDX-License-Identifier: Apache-2.0
#include "config/convert/interpolate.h"

#include <algorithm>
#include <cctype>

namespace mete::config {
namespace {

using Variable = std::function<std::optional<std::string>(const std::string&)>;

std::size_t name_length(std::string_view text) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (!text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0) return 0;
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), fits) - text.begin());
}

// The `}` that closes what begins with ${; a default may hold another ${...}.
std::size_t closing(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

// What stands in the braces: NAME, or NAME with an operator and a word.
Result<std::string> braced(std::string_view inside, const Variable& variable, std::vector<std::string>& missing) {
  const std::size_t length = name_length(inside);
  if (length == 0) return fail("found `${" + std::string(inside) + "}`, expected the name of a variable");
  const std::string name(inside.substr(0, length));
  std::string_view rest = inside.substr(length);
  auto value = variable(name);
  const bool colon = rest.starts_with(':');
  if (colon) rest.remove_prefix(1);
  if (colon && value && value->empty()) value.reset();
  const char how = rest.empty() ? '\0' : rest.front();
  if (!rest.empty()) rest.remove_prefix(1);
  switch (how) {
    case '\0':
      if (!value) missing.push_back(name);
      return value.value_or("");
    case '-':
      return value ? Result<std::string>(*value) : interpolate(rest, variable, missing);
    case '+':
      return value ? interpolate(rest, variable, missing) : Result<std::string>("");
    case '?':
      if (!value) return fail("the variable `" + name + "` is not set: " + std::string(rest));
      return *value;
    default:
      return fail("found `${" + std::string(inside) + "}`, expected one of - + ? behind the name");
  }
}

}  // namespace

Result<std::string> interpolate(std::string_view text, const Variable& variable, std::vector<std::string>& missing) {
  std::string out;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    if (text.starts_with("$$")) {
      out += '$';
      text.remove_prefix(2);
    } else if (text.starts_with("${")) {
      const auto end = closing(text);
      if (end == std::string_view::npos) return fail("found `${` without `}`");
      METE_TRY(const std::string value, braced(text.substr(2, end - 2), variable, missing));
      out += value;
      text.remove_prefix(end + 1);
    } else if (const std::size_t length = name_length(text.substr(1)); length > 0) {
      METE_TRY(const std::string value, braced(text.substr(1, length), variable, missing));
      out += value;
      text.remove_prefix(length + 1);
    } else {
      out += '$';
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace mete::config
