// SPDX-License-Identifier: Apache-2.0
// The part of Go's templates that people give to docker's --format: {{.Field}}, {{.Outer.Inner}}, {{json .Field}},
// {{json .}}. Everything else between braces is refused by name. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "runtime/json.h"

namespace mete::agent::cli {

class GoTemplate {
 public:
  using Json = nlohmann::ordered_json;

  [[nodiscard]] static Result<GoTemplate> parse(std::string_view text);
  // As Go prints: a text as it is, lists as [a b], objects as map[a:b]. The error: a field that is not there.
  [[nodiscard]] Result<std::string> fill(const Json& value) const;

 private:
  struct Part {
    std::string text;               // that stands for itself
    std::vector<std::string> path;  // of a field; with none: the whole value
    bool is_field = false;
    bool as_json = false;
  };
  std::vector<Part> parts_;
};

}  // namespace mete::agent::cli
