// SPDX-License-Identifier: Apache-2.0
// The text of a template as a tree: what stands between {{ and }}, read by Go's rules (text/template). Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::agent::cli::templates {

using Json = nlohmann::ordered_json;

struct Pipeline;

// One word of a command, and the fields that are taken from its value: (index .Ports "80/tcp").HostPort
struct Operand {
  enum class Kind { kLiteral, kDot, kVariable, kFunction, kGroup };
  Kind kind = Kind::kLiteral;
  std::string name;  // of a variable or function
  Json literal;
  std::shared_ptr<const Pipeline> group;  // in parentheses
  std::vector<std::string> path;
};

using Command = std::vector<Operand>;

// $a, $b := COMMAND | COMMAND
struct Pipeline {
  std::vector<std::string> variables;
  std::vector<Command> commands;
  std::string text;  // as it stands, for messages
};

struct Node {
  enum class Kind { kText, kOutput, kIf, kRange, kWith };
  Kind kind = Kind::kText;
  std::string text;
  Pipeline pipeline;
  std::vector<Node> body;
  std::vector<Node> otherwise;  // after {{else}}
};

// The errors begin with "--format: ", name what was found, and what is expected.
[[nodiscard]] Result<std::vector<Node>> read_template(std::string_view text);

}  // namespace mete::agent::cli::templates
