// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/json_path.h"

#include <algorithm>

#include "agent/cli/objects/json_path_steps.h"

namespace mete::agent::cli {

// Text, a path, or a range with what it repeats.
struct JsonPath::Node {
  enum class Kind { kText, kPath, kRange };
  Kind kind = Kind::kText;
  std::string text;
  json_path::Path path;
  bool from_root = false;  // "$"
  std::vector<Node> inside;
};

namespace {

using json_path::Json;
using Node = JsonPath::Node;

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

Result<Node> read_path(std::string_view& text, Node::Kind kind) {
  Node node;
  node.kind = kind;
  skip_blanks(text);
  if (text.starts_with('$') || text.starts_with('@')) {
    node.from_root = text.front() == '$';
    text.remove_prefix(1);
  }
  METE_TRY(node.path, json_path::take_path(text));
  skip_blanks(text);
  return node;
}

// Reads the nodes of a template, and those of a range up to its end.
class TemplateReader {
 public:
  explicit TemplateReader(std::string_view text) : whole_(text), left_(text) {}

  Result<std::vector<Node>> nodes(std::size_t depth) {
    constexpr std::size_t kDeepest = 16;
    if (depth > kDeepest) return wrong("ranges in ranges, expected at most 16");
    std::vector<Node> nodes;
    while (!left_.empty()) {
      const std::size_t open = left_.find('{');
      if (open != 0) {
        nodes.push_back({Node::Kind::kText, std::string(left_.substr(0, open)), {}, false, {}});
        left_.remove_prefix(std::min(open, left_.size()));
        continue;
      }
      left_.remove_prefix(1);
      skip_blanks(left_);
      if (take_word("end")) {
        METE_CHECK(close());
        if (depth == 0) return wrong("{end}, expected {range ...} before it");
        return nodes;
      }
      METE_TRY(Node node, action(depth));
      nodes.push_back(std::move(node));
    }
    if (depth > 0) return wrong("{range}, expected {end} after it");
    return nodes;
  }

 private:
  Result<Node> action(std::size_t depth) {
    if (left_.starts_with('"') || left_.starts_with('\'')) {
      Node node;
      METE_TRY(node.text, json_path::take_quoted(left_));
      skip_blanks(left_);
      METE_CHECK(close());
      return node;
    }
    const bool range = take_word("range");
    auto read = read_path(left_, range ? Node::Kind::kRange : Node::Kind::kPath);
    if (!read) return fail(place() + read.error().what);
    Node node = std::move(*read);
    METE_CHECK(close());
    if (range) {
      METE_TRY(node.inside, nodes(depth + 1));
    }
    return node;
  }

  bool take_word(std::string_view word) {
    if (!left_.starts_with(word)) return false;
    const char next = left_.size() > word.size() ? left_[word.size()] : '\0';
    if (next != ' ' && next != '}') return false;
    left_.remove_prefix(word.size());
    skip_blanks(left_);
    return true;
  }

  Status close() {
    if (!left_.starts_with('}')) {
      constexpr std::size_t kShown = 20;
      return wrong(left_.empty() ? "the end, expected \"}\""
                                 : "\"" + std::string(left_.substr(0, kShown)) + "\", expected a path and \"}\"");
    }
    left_.remove_prefix(1);
    return {};
  }

  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& what) const { return fail(place() + "found " + what); }
  [[nodiscard]] std::string place() const {
    return "character " + std::to_string(whole_.size() - left_.size() + 1) + ": ";
  }

  std::string_view whole_;
  std::string_view left_;
};

void fill_nodes(const std::vector<Node>& nodes, const json_path::Scope& scope, std::string& out) {
  for (const auto& node : nodes) {
    if (node.kind == Node::Kind::kText) {
      out += node.text;
      continue;
    }
    const auto found = json_path::find(node.path, {scope.root, node.from_root ? scope.root : scope.here});
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (node.kind == Node::Kind::kRange) {
        fill_nodes(node.inside, {scope.root, *found[i]}, out);
      } else {
        out += (i > 0 ? " " : "") + text_of(*found[i]);
      }
    }
  }
}

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  auto nodes = TemplateReader(text).nodes(0);
  if (!nodes) return fail_in("jsonpath \"" + std::string(text) + "\"", nodes.error());
  JsonPath path;
  path.nodes_ = std::make_shared<const std::vector<Node>>(std::move(*nodes));
  return path;
}

std::string JsonPath::fill(const Json& value) const {
  std::string out;
  fill_nodes(*nodes_, {value, value}, out);
  return out;
}

std::vector<std::string> JsonPath::values(const Json& value) const {
  std::vector<std::string> texts;
  for (const auto& node : *nodes_) {
    if (node.kind != Node::Kind::kPath) continue;
    for (const Json* each : json_path::find(node.path, {value, value})) texts.push_back(text_of(*each));
    break;
  }
  return texts;
}

}  // namespace mete::agent::cli
