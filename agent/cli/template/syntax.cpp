// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/template/syntax.h"

#include <charconv>
#include <optional>

#include "agent/cli/template/tokens.h"

namespace mete::agent::cli::templates {
namespace {

constexpr unsigned kDeepest = 32;  // of parentheses and of blocks: a template is a line that a person types

std::string braced(std::string_view inside) {
  return "{{" + std::string(inside) + "}}";
}

class PipelineReader {
 public:
  PipelineReader(std::vector<Token> tokens, std::string_view inside) : tokens_(std::move(tokens)), inside_(inside) {}

  Result<Pipeline> read() {
    Pipeline pipeline;
    read_variables(pipeline);
    METE_TRY(pipeline.commands, commands(0));
    if (at_ != tokens_.size()) return wrong();
    pipeline.text = inside_;
    return pipeline;
  }

 private:
  tl::unexpected<Error> wrong() const {
    return fail("--format: found " + braced(inside_) + ", expected a field, a function with its words, or a text");
  }

  [[nodiscard]] bool is(std::size_t at, Token::Kind kind) const {
    return at < tokens_.size() && tokens_[at].kind == kind;
  }

  void read_variables(Pipeline& pipeline) {
    const bool pair = is(0, Token::Kind::kVariable) && is(1, Token::Kind::kComma) && is(2, Token::Kind::kVariable);
    const std::size_t assign = pair ? 3 : 1;
    if (!is(0, Token::Kind::kVariable) || !is(assign, Token::Kind::kAssign)) return;
    pipeline.variables.push_back(tokens_[0].text);
    if (pair) pipeline.variables.push_back(tokens_[2].text);
    at_ = assign + 1;
  }

  Result<std::vector<Command>> commands(unsigned depth) {
    std::vector<Command> list;
    do {
      Command command;
      while (at_ < tokens_.size() && !is(at_, Token::Kind::kPipe) && !is(at_, Token::Kind::kClose)) {
        METE_TRY(Operand operand, next(depth));
        command.push_back(std::move(operand));
      }
      if (command.empty()) return wrong();
      list.push_back(std::move(command));
    } while (is(at_, Token::Kind::kPipe) && ++at_ != 0);
    return list;
  }

  Result<Operand> next(unsigned depth) {
    const Token& token = tokens_[at_++];
    Operand operand;
    operand.path = token.path;
    switch (token.kind) {
      case Token::Kind::kField:
        operand.kind = Operand::Kind::kDot;
        return operand;
      case Token::Kind::kVariable:
        operand.kind = Operand::Kind::kVariable;
        operand.name = token.text;
        return operand;
      case Token::Kind::kText:
        operand.literal = token.text;
        return operand;
      case Token::Kind::kNumber: {
        std::int64_t number = 0;
        const char* const end = token.text.data() + token.text.size();
        if (std::from_chars(token.text.data(), end, number).ptr != end) return wrong();
        operand.literal = number;
        return operand;
      }
      case Token::Kind::kWord:
        return word(token.text);
      case Token::Kind::kOpen:
        return group(depth);
      default:
        return wrong();
    }
  }

  static Operand word(const std::string& text) {
    Operand operand;
    if (text == "true" || text == "false") {
      operand.literal = text == "true";
    } else if (text != "nil") {
      operand.kind = Operand::Kind::kFunction;
      operand.name = text;
    }
    return operand;
  }

  Result<Operand> group(unsigned depth) {
    if (depth == kDeepest) return wrong();
    auto inner = std::make_shared<Pipeline>();
    inner->text = inside_;
    METE_TRY(inner->commands, commands(depth + 1));
    if (!is(at_, Token::Kind::kClose)) return wrong();
    Operand operand;
    operand.kind = Operand::Kind::kGroup;
    operand.path = tokens_[at_++].path;
    operand.group = std::move(inner);
    return operand;
  }

  std::vector<Token> tokens_;
  std::string_view inside_;
  std::size_t at_ = 0;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Docker lets a shell's quoted \\t and \\n stand for the characters.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 't' || next == 'n') {
      out += next == 't' ? '\t' : '\n';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<Pipeline> pipeline_of(std::string_view inside) {
  METE_TRY(auto tokens, read_tokens(inside));
  return PipelineReader(std::move(tokens), inside).read();
}

class TemplateReader {
 public:
  explicit TemplateReader(std::string_view text) : rest_(text) {}

  Result<std::vector<Node>> read() {
    METE_TRY(auto nodes, until_end(0));
    if (!ended_by_.empty()) return fail("--format: found " + braced(ended_by_) + " without its beginning");
    return nodes;
  }

 private:
  // Up to {{end}}, {{else}} or {{else if}}, which is left in `ended_by_`, or up to the end of the text.
  Result<std::vector<Node>> until_end(unsigned depth) {
    std::vector<Node> nodes;
    ended_by_ = {};
    while (!rest_.empty()) {
      const auto open = rest_.find("{{");
      std::string_view plain = rest_.substr(0, open);
      rest_.remove_prefix(plain.size());
      std::optional<std::string_view> inside;
      if (open != std::string_view::npos) {
        METE_TRY(inside, action());
      }
      const bool trims = inside && inside->starts_with("- ");
      if (after_trim_) plain.remove_prefix(std::min(plain.find_first_not_of(" \t\n"), plain.size()));
      if (trims) plain = plain.substr(0, plain.find_last_not_of(" \t\n") + 1);
      if (!plain.empty()) nodes.push_back({Node::Kind::kText, unescaped(plain), {}, {}, {}});
      if (!inside) break;
      after_trim_ = inside->ends_with(" -");
      std::string_view words = *inside;
      if (trims) words.remove_prefix(1);
      if (after_trim_) words.remove_suffix(1);
      words = trimmed(words);
      if (words.starts_with("/*") && words.ends_with("*/")) continue;
      if (words == "end" || words == "else" || words.starts_with("else ")) {
        ended_by_ = words;
        return nodes;
      }
      METE_TRY(Node node, node_of(words, depth));
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

  // What is between {{ and }}; both are taken.
  Result<std::string_view> action() {
    const auto close = rest_.find("}}");
    if (close == std::string_view::npos) return fail("--format: found {{ without }}, expected both");
    const std::string_view inside = rest_.substr(2, close - 2);
    rest_.remove_prefix(close + 2);
    return inside;
  }

  Result<Node> node_of(std::string_view words, unsigned depth) {
    Node node;
    node.kind = Node::Kind::kOutput;
    const auto space = std::min(words.find(' '), words.size());
    const std::string_view first = words.substr(0, space);
    if (first == "if") node.kind = Node::Kind::kIf;
    if (first == "range") node.kind = Node::Kind::kRange;
    if (first == "with") node.kind = Node::Kind::kWith;
    if (node.kind == Node::Kind::kOutput) {
      METE_TRY(node.pipeline, pipeline_of(words));
      return node;
    }
    if (depth == kDeepest) return fail("--format: found more than 32 blocks in each other, expected fewer");
    METE_TRY(node.pipeline, pipeline_of(words.substr(space)));
    METE_TRY(node.body, until_end(depth + 1));
    if (ended_by_.starts_with("else ")) {
      const std::string_view next = trimmed(ended_by_.substr(4));
      METE_TRY(Node inner, node_of(next, depth + 1));  // ends with the {{end}} of both
      node.otherwise.push_back(std::move(inner));
      return node;
    }
    if (ended_by_ == "else") {
      METE_TRY(node.otherwise, until_end(depth + 1));
    }
    if (ended_by_ != "end")
      return fail("--format: found {{" + std::string(first) + "}} without {{end}}, expected both");
    ended_by_ = {};
    return node;
  }

  std::string_view rest_;
  std::string_view ended_by_;
  bool after_trim_ = false;
};

}  // namespace

Result<std::vector<Node>> read_template(std::string_view text) {
  return TemplateReader(text).read();
}

}  // namespace mete::agent::cli::templates
