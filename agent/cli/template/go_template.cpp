// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/template/go_template.h"

#include <algorithm>

#include "agent/cli/template/functions.h"

namespace mete::agent::cli {
namespace {

using Json = GoTemplate::Json;
using templates::Command;
using templates::Node;
using templates::Operand;
using templates::Pipeline;

Result<Json> member(const Json& value, const std::string& name) {
  if (value.is_object()) {
    if (const auto found = value.find(name); found != value.end()) return Json(*found);
  }
  return fail("--format: found the field ." + name + ", expected one that is there");
}

// One filling: what `.` and the variables are at a place.
class Filling {
 public:
  explicit Filling(const Json& root) { variables_.emplace_back("$", root); }

  Status fill(const std::vector<Node>& nodes, const Json& dot, std::string& out) {
    const std::size_t outside = variables_.size();
    for (const Node& node : nodes) METE_CHECK(fill_one(node, dot, out));
    variables_.resize(outside, {"", Json()});
    return {};
  }

 private:
  Status fill_one(const Node& node, const Json& dot, std::string& out) {
    if (node.kind == Node::Kind::kText) {
      out += node.text;
      return {};
    }
    METE_TRY(const Json value, value_of(node.pipeline.commands, dot));
    if (node.kind == Node::Kind::kRange) return fill_range(node, value, dot, out);
    const std::size_t outside = variables_.size();
    if (!node.pipeline.variables.empty()) variables_.emplace_back(node.pipeline.variables.front(), value);
    if (node.kind == Node::Kind::kOutput) {
      if (node.pipeline.variables.empty()) out += templates::go_text(value);
      return {};
    }
    const bool holds = templates::is_truth(value);
    METE_CHECK(fill(holds ? node.body : node.otherwise, holds && node.kind == Node::Kind::kWith ? value : dot, out));
    variables_.resize(outside, {"", Json()});
    return {};
  }

  // Lists in their order, objects in that of their keys.
  Status fill_range(const Node& node, const Json& value, const Json& dot, std::string& out) {
    if (!value.is_structured() && !value.is_null())
      return fail("--format: found {{range" + node.pipeline.text + "}} over one value, expected a list or an object");
    if (value.empty()) return fill(node.otherwise, dot, out);
    std::vector<std::pair<Json, Json>> all;
    if (value.is_object()) {
      for (const auto& [key, each] : value.items()) all.emplace_back(key, each);
      std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    } else {
      for (std::size_t i = 0; i < value.size(); ++i) all.emplace_back(i, value[i]);
    }
    const auto& names = node.pipeline.variables;
    const std::size_t outside = variables_.size();
    for (const auto& [key, each] : all) {
      if (names.size() == 2) variables_.emplace_back(names[0], key);
      if (!names.empty()) variables_.emplace_back(names.back(), each);
      METE_CHECK(fill(node.body, each, out));
      variables_.resize(outside, {"", Json()});
    }
    return {};
  }

  // What a command gives is the last word of the next one.
  Result<Json> value_of(const std::vector<Command>& commands, const Json& dot) {
    Json value;
    for (std::size_t i = 0; i < commands.size(); ++i) {
      METE_TRY(value, value_of(commands[i], i > 0 ? &value : nullptr, dot));
    }
    return value;
  }

  Result<Json> value_of(const Command& command, const Json* piped, const Json& dot) {
    std::vector<Json> words;
    for (std::size_t i = 1; i < command.size(); ++i) {
      METE_TRY(Json word, value_of(command[i], dot));
      words.push_back(std::move(word));
    }
    if (piped != nullptr) words.push_back(*piped);
    const Operand& first = command.front();
    if (first.kind == Operand::Kind::kFunction) return templates::call_function(first.name, words);
    METE_TRY(Json value, value_of(first, dot));
    if (words.empty()) return value;
    return called(first, value, words);
  }

  // {{.Label "app"}}: a method in docker's rows, an object here. In the heads of a table it is the word itself.
  static Result<Json> called(const Operand& first, const Json& value, const std::vector<Json>& words) {
    if (words.size() != 1 || !words[0].is_string() || first.path.empty())
      return fail("--format: found a value with words behind it, expected a function before them");
    if (value.is_string()) return words[0];
    if (!value.is_object())
      return fail("--format: found ." + first.path.back() + " with a word behind it, expected none");
    const auto found = value.find(words[0].get<std::string>());
    return found == value.end() ? Json("") : Json(*found);
  }

  Result<Json> value_of(const Operand& operand, const Json& dot) {
    Json value;
    switch (operand.kind) {
      case Operand::Kind::kLiteral:
        return operand.literal;
      case Operand::Kind::kDot:
        value = dot;
        break;
      case Operand::Kind::kVariable: {
        const auto found = std::find_if(variables_.rbegin(), variables_.rend(),
                                        [&](const auto& each) { return each.first == operand.name; });
        if (found == variables_.rend())
          return fail("--format: found the variable " + operand.name + ", expected one that was set before");
        value = found->second;
        break;
      }
      case Operand::Kind::kFunction:
        return templates::call_function(operand.name, {});
      case Operand::Kind::kGroup: {
        METE_TRY(value, value_of(operand.group->commands, dot));
        break;
      }
    }
    for (const std::string& name : operand.path) {
      METE_TRY(value, member(value, name));
    }
    return value;
  }

  std::vector<std::pair<std::string, Json>> variables_;
};

}  // namespace

Result<GoTemplate> GoTemplate::parse(std::string_view text) {
  GoTemplate made;
  METE_TRY(made.nodes_, templates::read_template(text));
  return made;
}

Result<std::string> GoTemplate::fill(const Json& value) const {
  std::string out;
  METE_CHECK(Filling(value).fill(nodes_, value, out));
  return out;
}

}  // namespace mete::agent::cli
