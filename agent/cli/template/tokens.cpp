// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/template/tokens.h"

namespace mete::agent::cli::templates {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Reader {
 public:
  explicit Reader(std::string_view text) : whole_(text), rest_(text) {}

  Result<std::vector<Token>> read() {
    while (true) {
      while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\n'))
        rest_.remove_prefix(1);
      if (rest_.empty()) return tokens_;
      METE_CHECK(next());
    }
  }

 private:
  tl::unexpected<Error> wrong() const {
    return fail("--format: found {{" + std::string(whole_) + "}}, expected fields such as .Name, functions and texts");
  }

  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view take_letters() {
    std::size_t size = 0;
    while (size < rest_.size() && is_letter(rest_[size])) ++size;
    return take(size);
  }

  // ".A.B"; "." alone has no parts.
  Result<std::vector<std::string>> take_path() {
    std::vector<std::string> path;
    while (rest_.starts_with('.')) {
      take(1);
      const std::string_view name = take_letters();
      if (name.empty() && (!path.empty() || rest_.starts_with('.'))) return wrong();
      if (name.empty()) break;
      path.emplace_back(name);
    }
    return path;
  }

  Status add(Token::Kind kind, std::string_view text) {
    tokens_.push_back({kind, std::string(text), {}});
    return {};
  }

  Status quoted() {
    std::string text;
    take(1);
    while (!rest_.empty() && rest_.front() != '"') {
      char c = take(1).front();
      if (c == '\\' && !rest_.empty()) {
        const char next = take(1).front();
        c = next == 'n' ? '\n' : next == 't' ? '\t' : next;
      }
      text += c;
    }
    if (rest_.empty()) return wrong();
    take(1);
    return add(Token::Kind::kText, text);
  }

  Status next() {
    const char c = rest_.front();
    const char second = rest_.size() > 1 ? rest_[1] : '\0';
    if (c == '"') return quoted();
    if (c == '`') {
      const auto end = rest_.find('`', 1);
      if (end == std::string_view::npos) return wrong();
      return add(Token::Kind::kText, take(end + 1).substr(1, end - 1));
    }
    if (c == '(') return add(Token::Kind::kOpen, take(1));
    if (c == '|') return add(Token::Kind::kPipe, take(1));
    if (c == ',') return add(Token::Kind::kComma, take(1));
    if (c == ':' && second == '=') return add(Token::Kind::kAssign, take(2));
    if (is_digit(c) || (c == '-' && is_digit(second))) {
      std::size_t size = 1;
      while (size < rest_.size() && is_digit(rest_[size])) ++size;
      return add(Token::Kind::kNumber, take(size));
    }
    if (c == '.') {
      METE_CHECK(add(Token::Kind::kField, {}));
    } else if (c == '$') {
      take(1);
      METE_CHECK(add(Token::Kind::kVariable, "$" + std::string(take_letters())));
    } else if (c == ')') {
      METE_CHECK(add(Token::Kind::kClose, take(1)));
    } else if (is_letter(c)) {
      return add(Token::Kind::kWord, take_letters());
    } else {
      return wrong();
    }
    METE_TRY(tokens_.back().path, take_path());
    return {};
  }

  std::string_view whole_;
  std::string_view rest_;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> read_tokens(std::string_view inside) {
  return Reader(inside).read();
}

}  // namespace mete::agent::cli::templates
