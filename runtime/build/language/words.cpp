// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/words.h"

#include <algorithm>

#include "runtime/build/language/heredoc.h"
#include "runtime/build/language/source_text.h"
#include "runtime/build/language/word_pattern.h"

namespace mete::runtime::build {
namespace {

constexpr int kDeepest = 50;  // of ${a:-${b:-...}}

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_name_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

Status check_size(std::size_t bytes) {
  if (bytes <= kMostExpanded) return {};
  return fail("found more than " + std::to_string(kMostExpanded) +
              " bytes after variables are replaced, expected fewer");
}

class Expander {
 public:
  Expander(std::string_view text, const Lookup& lookup, char escape, bool quotes)
      : text_(text), lookup_(lookup), escape_(escape), quotes_(quotes) {}

  Result<std::string> whole() {
    METE_TRY(std::string result, until('\0'));
    METE_CHECK(check_size(result.size()));
    return result;
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
  char take() { return text_[at_++]; }

  // Up to `stop`, which is taken; '\0': to the end.
  Result<std::string> until(char stop) {
    if (++depth_ > kDeepest) return fail("found variables nested more than 50 deep, expected fewer");
    std::string result;
    while (!at_end()) {
      const char c = take();
      if (c == stop && stop != '\0') {
        --depth_;
        return result;
      }
      METE_CHECK(one(c, result));
      METE_CHECK(check_size(result.size()));
    }
    --depth_;
    if (stop != '\0') return fail(std::string("found the end, expected '") + stop + "'");
    return result;
  }

  Status one(char c, std::string& result) {
    if (c == '\'' && quotes_) return single_quoted(result);
    if (c == '"' && quotes_) return double_quoted(result);
    if (c == '$') return variable(result);
    if (c == escape_) {
      if (at_end()) return {};
      if (!quotes_ && peek() != '$' && peek() != escape_) result += c;
      result += take();
      return {};
    }
    result += c;
    return {};
  }

  Status single_quoted(std::string& result) {
    while (!at_end()) {
      const char c = take();
      if (c == '\'') return {};
      result += c;
    }
    return fail("found a single quote without its end, expected one");
  }

  Status double_quoted(std::string& result) {
    while (!at_end()) {
      const char c = take();
      if (c == '"') return {};
      if (c == '$') {
        METE_CHECK(variable(result));
      } else if (c == escape_ && !at_end() && (peek() == '"' || peek() == '$' || peek() == escape_)) {
        result += take();
      } else {
        result += c;
      }
    }
    return fail("found a double quote without its end, expected one");
  }

  std::string name() {
    const std::size_t start = at_;
    if (!at_end() && peek() >= '0' && peek() <= '9') {
      while (!at_end() && peek() >= '0' && peek() <= '9') ++at_;
    } else if (!at_end() && is_name_start(peek())) {
      while (!at_end() && is_name_part(peek())) ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }

  Status variable(std::string& result) {
    if (peek() != '{') {
      const std::string called = name();
      result += called.empty() ? "$" : lookup_(called).value_or("");
      return check_size(result.size());
    }
    ++at_;
    const std::string called = name();
    if (called.empty()) return fail("found ${ without a name, expected ${NAME}");
    const auto value = lookup_(called);
    if (at_end()) return fail("found ${" + called + " without its end, expected }");
    const char modifier = take();
    METE_TRY(std::string text, modified(called, value, modifier));
    result += text;
    return check_size(result.size());
  }

  Result<std::string> modified(const std::string& called, const std::optional<std::string>& value, char modifier) {
    switch (modifier) {
      case '}':
        return value.value_or("");
      case ':':
        if (at_end()) break;
        return chosen(called, value && !value->empty() ? value : std::nullopt, take());
      case '-':
      case '+':
      case '?':
        return chosen(called, value, modifier);
      case '#':
      case '%':
        return cut(value.value_or(""), modifier);
      case '/':
        return exchanged(value.value_or(""));
      default:
        break;
    }
    return fail("found ${" + called + modifier + "..., expected } or one of :- :+ :? - + ? # % /");
  }

  Result<std::string> chosen(const std::string& called, const std::optional<std::string>& value, char modifier) {
    METE_TRY(std::string word, until('}'));
    if (modifier == '-') return value.value_or(word);
    if (modifier == '+') return value ? word : std::string();
    if (modifier != '?') return fail("found ${" + called + ":" + modifier + "..., expected one of :- :+ :?");
    if (value) return *value;
    return fail(called + ": " + (word.empty() ? "found no value, expected one" : word));
  }

  // A pattern keeps its escapes, which say that '*' is no wildcard.
  Result<std::string> pattern_until(std::string_view stops) {
    std::string pattern;
    while (!at_end() && stops.find(peek()) == std::string_view::npos) {
      const char c = take();
      if (c == '$') {
        METE_CHECK(variable(pattern));
      } else if (c == escape_ && !at_end()) {
        const char kept = take();
        if (kept == '*' || kept == '?' || kept == '\\') pattern += '\\';
        pattern += kept;
      } else {
        pattern += c;
      }
    }
    if (at_end()) return fail("found a pattern without its end, expected }");
    return pattern;
  }

  Result<std::string> cut(const std::string& value, char modifier) {
    const bool longest = peek() == modifier;
    if (longest) ++at_;
    METE_TRY(const std::string pattern, pattern_until("}"));
    ++at_;
    const WordPattern what(pattern);
    const auto part = longest ? WordPattern::Part::kLongest : WordPattern::Part::kShortest;
    return modifier == '%' ? what.without_suffix(value, part) : what.without_prefix(value, part);
  }

  Result<std::string> exchanged(const std::string& value) {
    const bool all = peek() == '/';
    if (all) ++at_;
    METE_TRY(const std::string pattern, pattern_until("/}"));
    std::string by;
    if (take() == '/') {
      METE_TRY(by, until('}'));
    }
    const auto times = all ? WordPattern::Times::kAll : WordPattern::Times::kOnce;
    return WordPattern(pattern).replaced(value, by, times, kMostExpanded);
  }

  std::string_view text_;
  const Lookup& lookup_;
  char escape_;
  bool quotes_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<std::string> expand(std::string_view text, const Lookup& lookup, char escape) {
  return Expander(text, lookup, escape, true).whole();
}

Result<std::string> expand_document(std::string_view text, const Lookup& lookup) {
  return Expander(text, lookup, '\\', false).whole();
}

Result<std::vector<std::string>> expand_list(std::string_view text, const Lookup& lookup, char escape) {
  std::vector<std::string> words;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    const std::size_t end = std::min(text.find_first_of(" \t\v\f\r"), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return expand_all(words, lookup, escape);
}

Result<std::vector<std::string>> expand_all(const std::vector<std::string>& words, const Lookup& lookup, char escape) {
  std::vector<std::string> expanded;
  expanded.reserve(words.size());
  std::size_t bytes = 0;
  for (const std::string& each : words) {
    METE_TRY(std::string word, expand(each, lookup, escape));
    bytes += word.size();
    METE_CHECK(check_size(bytes));
    expanded.push_back(std::move(word));
  }
  return expanded;
}

Result<Pairs> name_values(std::string_view text, char escape) {
  const auto words = raw_words(trimmed(text), escape);
  if (words.empty()) return fail("found nothing, expected NAME=value");
  Pairs pairs;
  if (words.front().find('=') == std::string::npos) {
    const std::string_view rest = trimmed(text).substr(words.front().size());
    if (trimmed(rest).empty()) return fail("found \"" + words.front() + "\" without a value, expected NAME=value");
    pairs.emplace_back(words.front(), trimmed(rest));
    return pairs;
  }
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) return fail("found \"" + word + "\" without a value, expected NAME=value");
    if (equals == 0) return fail("found \"" + word + "\" without a name, expected NAME=value");
    pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return pairs;
}

}  // namespace mete::runtime::build
