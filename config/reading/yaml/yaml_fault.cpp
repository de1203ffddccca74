// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/yaml_fault.h"

#include <yaml-cpp/exceptions.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

namespace mete::config {
namespace {

namespace words = YAML::ErrorMsg;

// Where a line's text begins, and the key that it begins with.
struct Line {
  int number = 0;
  std::string_view text;   // without the blanks around it
  int indent = 0;          // of the text
  int key_column = 0;      // of the key, which may stand behind "- "
  std::string_view key;    // empty: it has none
  std::string_view value;  // behind "KEY:"
  bool tabbed = false;     // a tab among the blanks before it
};

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

Line line_of(std::string_view whole, int number) {
  Line line;
  line.number = number;
  line.text = without_blanks(whole);
  line.indent = static_cast<int>(std::min(whole.find_first_not_of(" \t"), whole.size()));
  line.tabbed = whole.substr(0, static_cast<std::size_t>(line.indent)).find('\t') != std::string_view::npos;
  std::string_view rest = line.text;
  line.key_column = line.indent;
  while (rest.starts_with("- ")) {
    const auto next = std::min(rest.find_first_not_of(' ', 1), rest.size());
    line.key_column += static_cast<int>(next);
    rest.remove_prefix(next);
  }
  auto colon = rest.find(": ");
  if (colon == std::string_view::npos && rest.ends_with(':')) colon = rest.size() - 1;
  if (colon == std::string_view::npos || rest.front() == '"' || rest.front() == '\'') return line;
  line.key = rest.substr(0, colon);
  line.value = without_blanks(rest.substr(colon + 1));
  return line;
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (int number = 0; !text.empty(); ++number) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    lines.push_back(line_of(whole, number));
  }
  return lines;
}

std::string quote(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out(text.substr(0, kMost));
  return "`" + out + (text.size() > kMost ? "..." : "") + "`";
}

bool is_word(std::string_view text) {
  const auto fits = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '/';
  };
  return !text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
         std::all_of(text.begin(), text.end(), fits);
}

class Explainer {
 public:
  Explainer(std::string_view text, int line) : lines_(lines_of(text)) {
    const auto last = static_cast<int>(lines_.size()) - 1;
    if (line >= 0 && line <= last) here_ = lines_[static_cast<std::size_t>(line)];
    here_.number = line;
    for (int i = std::min(line, last + 1) - 1; i >= 0 && !above_; --i) {
      const Line& each = lines_[static_cast<std::size_t>(i)];
      if (!each.text.empty() && each.text.front() != '#') above_ = each;
    }
  }

  [[nodiscard]] std::optional<YamlFault> explain(const std::string& message) const {
    if (message == words::DOC_IN_SCALAR || message == words::EOF_IN_SCALAR)
      return at_here("a quote is opened and never closed");
    if (here_.tabbed) return at_here("a tab in the indentation, YAML wants blanks");
    if (auto fault = wrong_mark()) return fault;
    if (message == words::MAP_VALUE) return wrong_value();
    if (message == words::END_OF_MAP || message == words::END_OF_SEQ) return wrong_indent();
    if (message == words::BLOCK_ENTRY)
      return at_here("found `-` in " + quote(here_.text) + ", expected each item of a list on a line of its own");
    if (message.starts_with(words::INVALID_ESCAPE))
      return wrong_escape(message.substr(std::string(words::INVALID_ESCAPE).size()));
    if (message == words::END_OF_SEQ_FLOW) return unclosed("[");
    if (message == words::END_OF_MAP_FLOW) return unclosed("{");
    if (message == words::FLOW_END) return at_here("found a `]` or `}` that closes nothing in " + quote(here_.text));
    return std::nullopt;
  }

  // At the end of the text there is nothing before which a comma could be missing.
  [[nodiscard]] YamlFault unclosed(const std::string& bracket) const {
    const std::string end = here_.text.empty() ? "" : ", or a `,` is missing before " + quote(here_.text);
    return at_here("a `" + bracket + "` is opened and never closed" + end);
  }

  [[nodiscard]] std::string text_here() const { return here_.text.empty() ? std::string() : quote(here_.text); }

 private:
  [[nodiscard]] YamlFault at_here(std::string message) const { return {here_.number, -1, std::move(message)}; }
  static YamlFault at(const Line& line, std::string message) {
    return {line.number, line.key_column, std::move(message)};
  }

  // "--" or "----" where documents part.
  [[nodiscard]] std::optional<YamlFault> wrong_mark() const {
    for (const Line* line : {above_ ? &*above_ : nullptr, &here_}) {
      if (line == nullptr || line->text.size() < 2 || line->text == "---") continue;
      if (line->text.find_first_not_of('-') != std::string_view::npos) continue;
      return at(*line, "found " + quote(line->text) + ", expected `---` between documents");
    }
    return std::nullopt;
  }

  // A `:` where none can be. The fault is often in the line above, which began a text that goes on here.
  [[nodiscard]] std::optional<YamlFault> wrong_value() const {
    if (above_) {
      if (auto fault = key_without_value(*above_)) return fault;
      if (!above_->key.empty() && !above_->value.empty() && !here_.key.empty() && here_.indent > above_->key_column &&
          above_->value.find_first_of("|>[{\"'&*!") != 0) {
        return at(here_, "found " + quote(here_.key) + " indented by " + std::to_string(here_.indent) + ", expected " +
                             std::to_string(above_->key_column) + " as " + quote(above_->key) +
                             " above it, which has a value already");
      }
    }
    if (!here_.key.empty() && here_.value.find(": ") != std::string_view::npos) {
      return at_here("found a second `: ` in " + quote(here_.text) + ", expected one key in a line: the value of " +
                     quote(here_.key) + " in quotes, or on lines of its own");
    }
    return wrong_indent();
  }

  // "apiVersion v1", "containers", "image:busybox": the blank or the colon behind a key is missing.
  static std::optional<YamlFault> key_without_value(const Line& line) {
    if (!line.key.empty()) return std::nullopt;
    std::string_view rest = line.text.substr(static_cast<std::size_t>(line.key_column - line.indent));
    const auto colon = rest.find(':');
    if (colon != std::string_view::npos && is_word(rest.substr(0, colon)))
      return at(line, "found " + quote(rest) + ", expected a blank after the `:`");
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (colon == std::string_view::npos && is_word(word))
      return at(line, "found " + quote(rest) + ", expected `:` after " + quote(word));
    return std::nullopt;
  }

  // The line stands in no column in which something above it is open.
  [[nodiscard]] std::optional<YamlFault> wrong_indent() const {
    std::vector<int> open;
    for (const Line& line : lines_) {
      if (line.number >= here_.number) break;
      if (line.text.empty() || line.text.front() == '#') continue;
      if (line.text == "---") open.clear();
      while (!open.empty() && open.back() > line.indent) open.pop_back();
      for (const int column : {line.indent, line.key_column}) {
        if (line.text != "---" && (open.empty() || open.back() < column)) open.push_back(column);
      }
    }
    if (open.empty() || here_.text.empty() || std::find(open.begin(), open.end(), here_.indent) != open.end())
      return std::nullopt;
    std::string columns;
    for (std::size_t i = 0; i < open.size(); ++i)
      columns += (i == 0 ? "" : i + 1 == open.size() ? " or " : ", ") + std::to_string(open[i]);
    return at(here_, "found " + quote(here_.text) + " indented by " + std::to_string(here_.indent) + ", expected " +
                         columns + ", as what stands above it");
  }

  [[nodiscard]] YamlFault wrong_escape(const std::string& letter) const {
    return at_here("found `\\" + letter +
                   "` in double quotes, expected an escape of YAML: `\\\\` for a backslash, or single quotes");
  }

  std::vector<Line> lines_;
  Line here_;
  std::optional<Line> above_;
};

}  // namespace

YamlFault explain_fault(std::string_view text, int line, int column, const std::string& message) {
  const Explainer explainer(text, line);
  auto fault = explainer.explain(message);
  if (!fault) {
    const std::string shown = explainer.text_here();
    return {line, column, "not valid YAML: " + message + (shown.empty() ? "" : " in " + shown)};
  }
  if (fault->column < 0) fault->column = column;
  return *fault;
}

}  // namespace mete::config
