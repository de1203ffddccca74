// SPDX-License-Identifier: Apache-2.0
#include "collectors/promql/lexer.h"

#include <array>
#include <charconv>
#include <utility>

namespace mete::collectors::promql {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

// The length of a unit in ms at the beginning of `text`, and of its letters; {0, 0}: it is none.
std::pair<std::int64_t, std::size_t> unit_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits = {
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  for (const auto& [name, length] : kUnits) {
    if (text.starts_with(name)) return {length, name.size()};
  }
  return {0, 0};
}

}  // namespace

Result<Word> Lexer::next() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  if (at_ == text_.size()) return Word{.column = at_ + 1};
  const char c = text_[at_];
  if (begins_name(c)) return name();
  if (is_digit(c) || c == '.') return number();
  if (c == '"' || c == '\'') return quoted();
  for (const std::string_view sign :
       {"==", "!=", ">=", "<=", "=~", "!~", ">", "<", "=", "+", "-", "*", "/", "(", ")", "{", "}", "[", "]", ","}) {
    if (!text_.substr(at_).starts_with(sign)) continue;
    Word word{.kind = Word::Kind::kSign, .text = std::string(sign), .column = at_ + 1};
    at_ += sign.size();
    return word;
  }
  return fail(column() + ": found \"" + std::string(1, c) + "\", expected PromQL");
}

Word Lexer::name() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && (begins_name(text_[at_]) || is_digit(text_[at_]))) ++at_;
  return {.kind = Word::Kind::kName, .text = std::string(text_.substr(begin, at_ - begin)), .column = begin + 1};
}

// "5m", "1h30m", or a number.
Result<Word> Lexer::number() {
  const std::size_t begin = at_;
  Word word{.kind = Word::Kind::kDuration, .column = begin + 1};
  std::size_t at = begin;
  while (at < text_.size() && is_digit(text_[at])) {
    std::int64_t count = 0;
    const auto parsed = std::from_chars(text_.data() + at, text_.data() + text_.size(), count);
    const std::size_t end = static_cast<std::size_t>(parsed.ptr - text_.data());
    const auto [length, letters] = unit_of(text_.substr(end));
    constexpr std::int64_t kYear = std::int64_t{366} * 86'400'000;
    if (parsed.ec != std::errc() || letters == 0 || count > kYear / length) break;
    word.length += count * length;
    at = end + letters;
  }
  if (at == begin) {
    const auto parsed = std::from_chars(text_.data() + begin, text_.data() + text_.size(), word.number);
    if (parsed.ec != std::errc()) return fail(column() + ": found a number that cannot be read");
    word.kind = Word::Kind::kNumber;
    at = static_cast<std::size_t>(parsed.ptr - text_.data());
  }
  if (at < text_.size() && (begins_name(text_[at]) || is_digit(text_[at])))
    return fail(column() + ": found a number with letters, expected a number or a duration such as 5m");
  word.text = std::string(text_.substr(begin, at - begin));
  at_ = at;
  return word;
}

Result<Word> Lexer::quoted() {
  const std::size_t begin = at_;
  const char quote = text_[at_++];
  Word word{.kind = Word::Kind::kText, .column = begin + 1};
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == quote) {
      ++at_;
      return word;
    }
    if (c != '\\') {
      word.text += c;
      continue;
    }
    if (++at_ == text_.size()) break;
    const char escaped = text_[at_];
    if (escaped != '\\' && escaped != '"' && escaped != '\'' && escaped != 'n')
      return fail(column() + ": found \\" + escaped + ", expected one of \\\\ \\\" \\' \\n");
    word.text += escaped == 'n' ? '\n' : escaped;
  }
  at_ = begin;
  return fail(column() + ": found a text without an end");
}

}  // namespace mete::collectors::promql
