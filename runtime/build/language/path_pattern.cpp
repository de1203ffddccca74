// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/path_pattern.h"

#include <algorithm>

namespace mete::runtime::build {
namespace {

// Bytes that are no UTF-8 count as characters of their own.
std::u32string characters_of(std::string_view text) {
  std::u32string result;
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
    char32_t value = size == 1 ? first : first & (0x7fU >> size);
    bool whole = at + size <= text.size();
    for (std::size_t i = 1; whole && i < size; ++i) {
      const auto byte = static_cast<unsigned char>(text[at + i]);
      whole = (byte & 0xc0U) == 0x80;
      value = value << 6U | (byte & 0x3fU);
    }
    result += whole ? value : char32_t{first} | 0x80000000U;
    at += whole ? size : 1;
  }
  return result;
}

}  // namespace

bool has_wildcard(std::string_view text) {
  return text.find_first_of("*?[\\") != std::string_view::npos;
}

Result<PathPattern::Step> PathPattern::read_class(const std::u32string& text, std::size_t& at) {
  Step step{.kind = Kind::kClass};
  const auto wrong = [] { return fail("found a '[' without its end or a range without its bounds, expected [a-z]"); };
  const auto next = [&](char32_t& c) {
    if (at < text.size() && text[at] == U'\\') ++at;
    if (at >= text.size()) return false;
    c = text[at++];
    return true;
  };
  if (at < text.size() && text[at] == U'^') {
    step.negated = true;
    ++at;
  }
  for (bool first = true;; first = false) {
    if (at >= text.size()) return wrong();
    if (text[at] == U']' && !first) {
      ++at;
      return step;
    }
    if (text[at] == U'-' || (text[at] == U']' && first)) return wrong();
    char32_t low = 0;
    if (!next(low)) return wrong();
    char32_t high = low;
    if (at < text.size() && text[at] == U'-') {
      ++at;
      if (at >= text.size() || text[at] == U']' || !next(high)) return wrong();
    }
    step.ranges.emplace_back(low, high);
  }
}

Result<PathPattern> PathPattern::compile(std::string_view source, DoubleStar double_star) {
  const std::u32string text = characters_of(source);
  PathPattern pattern;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = text[at++];
    if (c == U'*' && double_star == DoubleStar::kYes && at < text.size() && text[at] == U'*') {
      ++at;
      if (at < text.size() && text[at] == U'/') ++at;
      pattern.steps_.push_back({.kind = at >= text.size() ? Kind::kAll : Kind::kFolders});
    } else if (c == U'*') {
      pattern.steps_.push_back({.kind = Kind::kStar});
    } else if (c == U'?') {
      pattern.steps_.push_back({.kind = Kind::kOne});
    } else if (c == U'[') {
      METE_TRY(Step step, read_class(text, at));
      pattern.steps_.push_back(std::move(step));
    } else if (c == U'\\') {
      if (at >= text.size()) return fail("found a \\ at the end of a pattern, expected a character after it");
      pattern.steps_.push_back({.kind = Kind::kCharacter, .character = text[at++]});
    } else {
      pattern.steps_.push_back({.kind = Kind::kCharacter, .character = c});
    }
  }
  return pattern;
}

// Marks the step, and those that can be reached without a character. A step of kFolders has a second mark, behind those
// of all steps: it is inside of folders' names, which only a '/' ends.
void PathPattern::reach(std::size_t step, std::vector<char>& active) const {
  while (active[step] == 0) {
    active[step] = 1;
    if (step == steps_.size()) return;
    const Kind kind = steps_[step].kind;
    if (kind == Kind::kFolders) active[steps_.size() + 1 + step] = 1;
    if (kind != Kind::kStar && kind != Kind::kAll && kind != Kind::kFolders) return;
    ++step;
  }
}

void PathPattern::feed(std::size_t at, char32_t c, std::vector<char>& next) const {
  const Step& step = steps_[at];
  switch (step.kind) {
    case Kind::kCharacter:
      if (c == step.character) reach(at + 1, next);
      return;
    case Kind::kOne:
      if (c != U'/') reach(at + 1, next);
      return;
    case Kind::kStar:
      if (c != U'/') reach(at, next);
      return;
    case Kind::kAll:
      reach(at, next);
      return;
    case Kind::kFolders:
      return;
    case Kind::kClass: {
      const bool in = std::any_of(step.ranges.begin(), step.ranges.end(),
                                  [&](const auto& range) { return range.first <= c && c <= range.second; });
      if (in != step.negated) reach(at + 1, next);
      return;
    }
  }
}

bool PathPattern::matches(std::string_view path) const {
  const std::size_t inside = steps_.size() + 1;
  std::vector<char> active(inside + steps_.size());
  reach(0, active);
  for (const char32_t c : characters_of(path)) {
    std::vector<char> next(active.size());
    for (std::size_t at = 0; at < steps_.size(); ++at) {
      if (active[at] != 0) feed(at, c, next);
      if (active[inside + at] == 0) continue;
      next[inside + at] = 1;
      if (c == U'/') reach(at + 1, next);
    }
    active = std::move(next);
  }
  return active[steps_.size()] != 0;
}

}  // namespace mete::runtime::build
