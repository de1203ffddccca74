// SPDX-License-Identifier: Apache-2.0
// Where a line opens here-documents. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mete::runtime::build {

struct HeredocHead {
  std::string name;
  bool expand = true;       // the name is not quoted
  bool strip_tabs = false;  // <<-NAME
  bool operator==(const HeredocHead&) const = default;
};

// Those of `line`, in order: words of the form [N]<<[-]NAME, with or without quotes around the name.
[[nodiscard]] std::vector<HeredocHead> find_heredocs(std::string_view line, char escape);
// The same for one word; false: it is none.
[[nodiscard]] bool is_heredoc(std::string_view word, HeredocHead& head);

// Splits at blanks outside of quotes; the words keep their quotes and escapes.
[[nodiscard]] std::vector<std::string> raw_words(std::string_view line, char escape);

}  // namespace mete::runtime::build
