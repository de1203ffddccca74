// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/heredoc.h"

#include <algorithm>

namespace mete::runtime::build {

std::vector<std::string> raw_words(std::string_view line, char escape) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (quote == '\0' && (c == ' ' || c == '\t')) {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
      continue;
    }
    in_word = true;
    word += c;
    if (c == escape && quote != '\'' && at + 1 < line.size()) {
      word += line[++at];
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = '\0';
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

bool is_heredoc(std::string_view word, HeredocHead& head) {
  word.remove_prefix(std::min(word.find_first_not_of("0123456789"), word.size()));
  if (!word.starts_with("<<")) return false;
  word.remove_prefix(2);
  head = {};
  if (word.starts_with('-')) {
    head.strip_tabs = true;
    word.remove_prefix(1);
  }
  for (const char c : word) {
    if (c == '"' || c == '\'' || c == '\\') {
      head.expand = false;
    } else {
      head.name += c;
    }
  }
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !head.name.empty() && std::all_of(head.name.begin(), head.name.end(), is_part);
}

std::vector<HeredocHead> find_heredocs(std::string_view line, char escape) {
  std::vector<HeredocHead> found;
  for (const std::string& word : raw_words(line, escape)) {
    HeredocHead head;
    if (is_heredoc(word, head)) found.push_back(std::move(head));
  }
  return found;
}

}  // namespace mete::runtime::build
