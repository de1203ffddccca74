// SPDX-License-Identifier: Apache-2.0
// A manual page in the man(7) macros, which groff and mandoc both read.
#pragma once

#include <string>
#include <string_view>

namespace mete::agent::cli {

struct PageName {
  std::string_view title;  // "mete-agent"
  char section;            // '8'
  std::string_view what;   // for whatis(1): a phrase without a full stop
};

class RoffPage {
 public:
  // `date`: YYYY-MM-DD.
  RoffPage(const PageName& name, std::string_view date);
  void section(std::string_view title);
  void subsection(std::string_view title);
  // Text with `code` in backquotes, which becomes bold. A full stop is added where there is none.
  void paragraph(std::string_view text);
  // A term, bold, and what it means, indented.
  void item(std::string_view term, std::string_view text);
  void code(std::string_view lines);
  // "mete(1), mete-oci(8)"
  void see_also(std::string_view pages);
  [[nodiscard]] std::string text() const { return text_; }

 private:
  // Begins a paragraph; the first one of a section needs no macro before it.
  void separate();

  std::string text_;
};

}  // namespace mete::agent::cli
