// SPDX-License-Identifier: Apache-2.0
// The part of Go's templates that people give to docker's --format: fields, variables, pipes, if, range, with, and the
// functions of functions.h. What else stands between braces is refused by name. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/template/syntax.h"
#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::agent::cli {

class GoTemplate {
 public:
  using Json = nlohmann::ordered_json;

  [[nodiscard]] static Result<GoTemplate> parse(std::string_view text);
  // The error: a field that is not there, or a function that does not take what it gets.
  [[nodiscard]] Result<std::string> fill(const Json& value) const;

 private:
  std::vector<templates::Node> nodes_;
};

}  // namespace mete::agent::cli
