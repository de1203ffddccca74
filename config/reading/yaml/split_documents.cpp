// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/yaml_reader.h"

namespace mete::config {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

// A marker stands at the start of a line. YAML forbids it there inside any scalar, so cutting without parsing is exact.
bool is_marker(std::string_view line, std::string_view marker) {
  return line.substr(0, marker.size()) == marker &&
         (line.size() == marker.size() || kBlank.find(line[marker.size()]) != std::string_view::npos);
}

bool is_nothing(std::string_view line) {
  const auto start = line.find_first_not_of(kBlank);
  return start == std::string_view::npos || line[start] == '#' || line[0] == '%';
}

class Splitter {
 public:
  void line(std::string_view line) {
    ++number_;
    if (is_marker(line, "...")) {
      flush(number_ + 1);
    } else if (is_marker(line, "---")) {
      const bool bare = is_nothing(line.substr(3));
      flush(bare ? number_ + 1 : number_);
      if (!bare) add(line);  // `--- {a: 1}`: the marker stays; the parser handles it
    } else {
      add(line);
    }
  }

  std::vector<DocumentText> finish() {
    flush(number_);
    return std::move(documents_);
  }

 private:
  void add(std::string_view line) {
    current_.text += line;
    has_content_ = has_content_ || !is_nothing(line);
  }
  void flush(int next_line) {
    if (has_content_) documents_.push_back(std::move(current_));
    current_ = {"", next_line};
    has_content_ = false;
  }

  std::vector<DocumentText> documents_;
  DocumentText current_;
  bool has_content_ = false;
  int number_ = 0;
};

}  // namespace

std::vector<DocumentText> split_documents(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
  Splitter splitter;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto length = end == std::string_view::npos ? text.size() : end + 1;
    splitter.line(text.substr(0, length));
    text.remove_prefix(length);
  }
  return splitter.finish();
}

}  // namespace mete::config
