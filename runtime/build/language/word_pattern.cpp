// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/word_pattern.h"

#include <algorithm>

namespace mete::runtime::build {

WordPattern::WordPattern(std::string_view text) : pieces_(1) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '*') {
      pieces_.emplace_back();
      continue;
    }
    const bool escaped = text[at] == '\\' && at + 1 < text.size();
    if (escaped) ++at;
    pieces_.back().push_back({text[at], !escaped && text[at] == '?'});
  }
}

bool WordPattern::stands(const Piece& piece, std::string_view text, std::size_t at) {
  if (piece.size() > text.size() - at) return false;
  for (const Character& each : piece) {
    if (!each.any && each.value != text[at]) return false;
    ++at;
  }
  return true;
}

std::size_t WordPattern::first(const Piece& piece, std::string_view text, std::size_t from) {
  for (std::size_t at = from; at + piece.size() <= text.size(); ++at) {
    if (stands(piece, text, at)) return at;
  }
  return std::string_view::npos;
}

std::size_t WordPattern::last(const Piece& piece, std::string_view text, std::size_t from) {
  if (from + piece.size() > text.size()) return std::string_view::npos;
  for (std::size_t at = text.size() - piece.size() + 1; at-- > from;) {
    if (stands(piece, text, at)) return at;
  }
  return std::string_view::npos;
}

// Each piece behind a '*' is taken where it stands first, which leaves the most to those behind it; the last one where
// the part shall end.
WordPattern::Found WordPattern::match(std::string_view text, std::size_t from, Part part, std::size_t& end) const {
  if (!stands(pieces_.front(), text, from)) return Found::kNotHere;
  end = from + pieces_.front().size();
  for (std::size_t i = 1; i < pieces_.size(); ++i) {
    const bool from_behind = i + 1 == pieces_.size() && part == Part::kLongest;
    const std::size_t at = from_behind ? last(pieces_[i], text, end) : first(pieces_[i], text, end);
    if (at == std::string_view::npos) return Found::kNowhereBehind;
    end = at + pieces_[i].size();
  }
  return Found::kHere;
}

std::string WordPattern::without_prefix(std::string_view text, Part part) const {
  std::size_t end = 0;
  return std::string(match(text, 0, part, end) == Found::kHere ? text.substr(end) : text);
}

// A suffix is a prefix of what is written backwards.
std::string WordPattern::without_suffix(std::string_view text, Part part) const {
  WordPattern backwards;
  for (auto piece = pieces_.rbegin(); piece != pieces_.rend(); ++piece)
    backwards.pieces_.emplace_back(piece->rbegin(), piece->rend());
  std::string rest = backwards.without_prefix(std::string(text.rbegin(), text.rend()), part);
  std::reverse(rest.begin(), rest.end());
  return rest;
}

std::string WordPattern::replaced(std::string_view text, std::string_view by, Times times, std::size_t most) const {
  std::string result;
  std::size_t at = 0;
  while (at < text.size()) {
    if (result.size() > most) return result;
    std::size_t end = at;
    const Found found = match(text, at, Part::kLongest, end);
    if (found == Found::kNowhereBehind) break;
    if (found == Found::kNotHere || end == at) {
      result += text[at++];
      continue;
    }
    result += by;
    at = end;
    if (times == Times::kOnce) break;
  }
  return result.append(text.substr(at));
}

}  // namespace mete::runtime::build
