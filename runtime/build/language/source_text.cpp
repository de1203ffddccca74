// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/source_text.h"

#include <algorithm>

namespace mete::runtime::build {
namespace {

constexpr std::size_t kWidestLine = 200;  // of a picture

std::string numbered(std::size_t number, std::string_view text) {
  std::string label = number == 0 ? "" : std::to_string(number);
  label.insert(0, label.size() < 4 ? 4 - label.size() : 0, ' ');
  return label + " | " + std::string(text) + "\n";
}

// What a terminal would act on is shown as '?'; a tab stays, so that carets stand below what they mean.
std::string printable(std::string_view text) {
  std::string shown(text.substr(0, kWidestLine));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c != '\t' && (static_cast<unsigned char>(c) < 32 || c == 127); },
      '?');
  return shown;
}

std::string carets(std::string_view line, std::size_t start, std::size_t size) {
  std::string marks;
  for (std::size_t i = 0; i < start; ++i) marks += line[i] == '\t' ? '\t' : ' ';
  return marks + std::string(std::max<std::size_t>(size, 1), '^');
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\v\f");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\v\f") - first + 1);
}

std::string upper_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return result;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

SourceText::SourceText(std::string name, std::string_view text) : name_(std::move(name)) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines_.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string SourceText::picture(std::size_t line, std::string_view word, const std::string& what) const {
  std::string text = name_ + ":" + std::to_string(line) + ": " + what + "\n";
  if (line == 0 || line > lines_.size()) return text;
  if (line > 1) text += numbered(line - 1, printable(lines_[line - 2]));
  const std::string shown = printable(lines_[line - 1]);
  text += numbered(line, shown);
  std::size_t start = word.empty() ? std::string::npos : shown.find(word);
  std::size_t size = word.size();
  if (start == std::string::npos) {
    start = std::min(shown.find_first_not_of(" \t"), shown.size());
    size = shown.size() - start;
  }
  text += numbered(0, carets(shown, start, size));
  text.pop_back();
  return text;
}

tl::unexpected<Error> SourceText::error(std::size_t line, std::string_view word, const std::string& what) const {
  return fail(picture(line, word, what));
}

}  // namespace mete::runtime::build
