// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/template/functions.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>

namespace mete::agent::cli::templates {
namespace {

using Words = std::vector<Json>;

tl::unexpected<Error> wrong(const std::string& name, const std::string& expected) {
  return fail("--format: " + name + ": expected " + expected);
}

std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> json(const Words& words) {
  if (words.size() != 1) return wrong("json", "one value");
  return Json(words[0].dump(-1, ' ', false, Json::error_handler_t::replace));
}

Result<Json> join(const Words& words) {
  if (words.size() != 2 || !words[1].is_string() || !(words[0].is_array() || words[0].is_null()))
    return wrong("join", "a list and a text");
  std::string text;
  for (std::size_t i = 0; i < words[0].size(); ++i)
    text += (i > 0 ? words[1].get<std::string>() : "") + go_text(words[0][i]);
  return Json(text);
}

Result<Json> split(const Words& words) {
  if (words.size() != 2 || !words[0].is_string() || !words[1].is_string() || words[1].get<std::string>().empty())
    return wrong("split", "a text, and the text that is between its parts");
  const auto text = words[0].get<std::string>();
  const auto between = words[1].get<std::string>();
  Json parts = Json::array();
  std::size_t from = 0;
  for (std::size_t end = 0; (end = text.find(between, from)) != std::string::npos; from = end + between.size())
    parts.push_back(text.substr(from, end - from));
  parts.push_back(text.substr(from));
  return parts;
}

template <int (*change)(int)>
std::string changed(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(change(static_cast<unsigned char>(c))); });
  return text;
}

Result<Json> lower(const Words& words) {
  if (words.size() != 1 || !words[0].is_string()) return wrong("lower", "a text");
  return Json(changed<std::tolower>(words[0].get<std::string>()));
}

Result<Json> upper(const Words& words) {
  if (words.size() != 1 || !words[0].is_string()) return wrong("upper", "a text");
  return Json(changed<std::toupper>(words[0].get<std::string>()));
}

Result<Json> title(const Words& words) {
  if (words.size() != 1 || !words[0].is_string()) return wrong("title", "a text");
  auto text = words[0].get<std::string>();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 0 || text[i - 1] == ' ') text[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[i])));
  }
  return Json(text);
}

Result<Json> truncate(const Words& words) {
  if (words.size() != 2 || !words[0].is_string() || !words[1].is_number_integer() || words[1].get<std::int64_t>() < 0)
    return wrong("truncate", "a text and a number");
  return Json(words[0].get<std::string>().substr(0, words[1].get<std::size_t>()));
}

Result<Json> print(const Words& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    // Go puts a space between two values of which neither is a text.
    if (i > 0 && !words[i - 1].is_string() && !words[i].is_string()) text += ' ';
    text += go_text(words[i]);
  }
  return Json(text);
}

Result<Json> println(const Words& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) text += (i > 0 ? " " : "") + go_text(words[i]);
  return Json(text + "\n");
}

// %s %v %d %t %q and %%, with '-' and a width.
Result<Json> printf(const Words& words) {
  if (words.empty() || !words[0].is_string()) return wrong("printf", "a text with %s, %v, %d, %t or %q, and values");
  const auto form = words[0].get<std::string>();
  std::string text;
  std::size_t used = 1;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%') {
      text += form[i];
      continue;
    }
    const bool left = i + 1 < form.size() && form[i + 1] == '-';
    i += left ? 2 : 1;
    std::size_t width = 0;
    while (i < form.size() && form[i] >= '0' && form[i] <= '9' && width < 1000)
      width = 10 * width + static_cast<std::size_t>(form[i++] - '0');
    if (i < form.size() && form[i] == '%') {
      text += '%';
      continue;
    }
    if (i >= form.size() || std::string("svdtq").find(form[i]) == std::string::npos || used >= words.size())
      return wrong("printf", "a value for each of its %s, %v, %d, %t and %q");
    std::string one = form[i] == 'q' ? quoted(go_text(words[used])) : go_text(words[used]);
    ++used;
    const std::string space(width > one.size() ? width - one.size() : 0, ' ');
    text += left ? one + space : space + one;
  }
  return Json(text);
}

// A key that is not there gives an empty text, as with Go's maps of texts.
Result<Json> index(const Words& words) {
  if (words.empty()) return wrong("index", "a list or an object, and a key");
  Json value = words[0];
  for (std::size_t i = 1; i < words.size(); ++i) {
    const Json& key = words[i];
    if (value.is_array() && key.is_number_integer()) {
      const auto at = key.get<std::int64_t>();
      if (at < 0 || static_cast<std::size_t>(at) >= value.size())
        return fail("--format: index: found " + key.dump() + ", expected a number below " +
                    std::to_string(value.size()));
      value = Json(value[static_cast<std::size_t>(at)]);
    } else if (value.is_object() && key.is_string()) {
      const auto found = value.find(key.get<std::string>());
      value = found == value.end() ? Json("") : Json(*found);
    } else if (!value.is_null()) {
      return wrong("index", "a list and a number, or an object and a text");
    }
  }
  return value;
}

Result<Json> len(const Words& words) {
  if (words.size() != 1 || words[0].is_number() || words[0].is_boolean())
    return wrong("len", "a text, a list or an object");
  return Json(words[0].is_string() ? words[0].get_ref<const std::string&>().size() : words[0].size());
}

Result<Json> eq(const Words& words) {
  if (words.size() < 2) return wrong("eq", "two values");
  return Json(std::any_of(words.begin() + 1, words.end(), [&](const Json& each) { return words[0] == each; }));
}

template <class Holds>
Result<Json> compared(const Words& words) {
  if (words.size() != 2) return fail("--format: found a comparison of other than two values, expected two");
  return Json(Holds()(words[0], words[1]));
}

Result<Json> logical_and(const Words& words) {
  if (words.empty()) return wrong("and", "values");
  for (const Json& each : words) {
    if (!is_truth(each)) return each;
  }
  return words.back();
}

Result<Json> logical_or(const Words& words) {
  if (words.empty()) return wrong("or", "values");
  for (const Json& each : words) {
    if (is_truth(each)) return each;
  }
  return words.back();
}

Result<Json> logical_not(const Words& words) {
  if (words.size() != 1) return wrong("not", "one value");
  return Json(!is_truth(words[0]));
}

using Function = Result<Json> (*)(const Words&);
const std::map<std::string, Function>& functions() {
  static const std::map<std::string, Function> all = {
      {"json", json},
      {"join", join},
      {"split", split},
      {"lower", lower},
      {"upper", upper},
      {"title", title},
      {"truncate", truncate},
      {"print", print},
      {"println", println},
      {"printf", printf},
      {"index", index},
      {"len", len},
      {"eq", eq},
      {"and", logical_and},
      {"or", logical_or},
      {"not", logical_not},
      {"ne", compared<std::not_equal_to<Json>>},
      {"lt", compared<std::less<Json>>},
      {"le", compared<std::less_equal<Json>>},
      {"gt", compared<std::greater<Json>>},
      {"ge", compared<std::greater_equal<Json>>},
  };
  return all;
}

}  // namespace

Result<Json> call_function(const std::string& name, const Words& words) {
  if (const auto found = functions().find(name); found != functions().end()) return found->second(words);
  std::string known;
  for (const auto& [each, function] : functions()) known += (known.empty() ? "" : ", ") + each;
  return fail("--format: found the function " + name + ", expected one of " + known);
}

std::string go_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "<nil>";
  if (!value.is_structured()) return value.dump();
  std::string text;
  if (value.is_array()) {
    for (const Json& each : value) text += (text.empty() ? "" : " ") + go_text(each);
    return "[" + text + "]";
  }
  std::map<std::string, std::string> sorted;
  for (const auto& [key, each] : value.items()) sorted[key] = go_text(each);
  for (const auto& [key, each] : sorted) text.append(text.empty() ? "" : " ").append(key).append(":").append(each);
  return "map[" + text + "]";
}

bool is_truth(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  return value.is_string() ? !value.get_ref<const std::string&>().empty() : !value.empty();
}

}  // namespace mete::agent::cli::templates
