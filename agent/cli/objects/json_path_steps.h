// SPDX-License-Identifier: Apache-2.0
// One path of a JSONPath template as data, and what it finds. Internal to json_path.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::agent::cli::json_path {

using Json = nlohmann::ordered_json;

struct Filter;

struct Field {
  std::string name;
};
struct Every {};        // [*], .*
struct Descendants {};  // ..: the value and everything below it
struct Slice {
  std::optional<long> from;
  std::optional<long> to;
  long step = 1;
};
struct Step {
  // Of several in one pair of brackets, all are taken, in their order.
  std::vector<std::variant<Field, Every, Descendants, Slice, long>> choices;
  std::vector<Filter> filter;  // none or one
};
using Path = std::vector<Step>;

struct Filter {
  enum class Op { kExists, kEqual, kNotEqual, kLess, kAtMost, kMore, kAtLeast };
  // A side is a path from the element (@), or from the whole value ($), or a literal.
  struct Side {
    Path path;
    bool from_root = false;
    std::optional<Json> literal;
  };
  Side left;
  Op op = Op::kExists;
  Side right;
};

// Reads a path at the beginning of `text` up to a character that cannot belong to one, and removes it from there.
[[nodiscard]] Result<Path> take_path(std::string_view& text);
// "quoted" or 'quoted' with \n, \t and the like.
[[nodiscard]] Result<std::string> take_quoted(std::string_view& text);

struct Scope {
  const Json& root;
  const Json& here;
};
// Pointers into the value.
[[nodiscard]] std::vector<const Json*> find(const Path& path, const Scope& scope);

}  // namespace mete::agent::cli::json_path
