// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/reference/roff.h"

#include <algorithm>
#include <cctype>

namespace mete::agent::cli {
namespace {

// A line that begins with a dot or a quote would be a request; a bare hyphen may become a dash.
std::string escaped(std::string_view text) {
  std::string out = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '~') {
      out += "\\(ti";
    } else if (c == '^') {
      out += "\\(ha";
    } else {
      out += c;
    }
  }
  return out;
}

// `code` becomes bold.
std::string marked(std::string_view text) {
  std::string out;
  bool bold = false;
  while (!text.empty()) {
    const auto at = std::min(text.find('`'), text.size());
    out += escaped(text.substr(0, at));
    text.remove_prefix(at);
    if (text.empty()) break;
    text.remove_prefix(1);
    bold = !bold;
    out += bold ? "\\fB" : "\\fR";
  }
  return out;
}

// In lines of at most 80 characters. No line may begin like a request.
std::string wrapped(std::string_view text) {
  constexpr std::size_t kWidth = 80;
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    const bool first = out.empty();
    if (!first && column + 1 + word.size() > kWidth) {
      out += word.starts_with('.') || word.starts_with('\'') ? "\n\\&" : "\n";
      column = 0;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string sentence(std::string_view text) {
  std::string out = marked(text);
  if (!out.empty() && out.back() != '.' && out.back() != ':') out += '.';
  if (!text.empty() && text.front() != '`') {
    const auto first = out.find_first_not_of("\\&");
    if (first == 0) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  }
  return wrapped(out);
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

RoffPage::RoffPage(const PageName& name, std::string_view date) {
  text_ =
      ".TH " + upper(name.title) + " " + name.section + " " + std::string(date) + " \"mete " METE_VERSION "\" mete\n";
  section("NAME");
  text_ += escaped(name.title) + " \\- " + escaped(name.what) + "\n";
}

void RoffPage::section(std::string_view title) {
  text_ += ".SH " + escaped(title) + "\n";
}

void RoffPage::subsection(std::string_view title) {
  text_ += ".SS \"" + escaped(title) + "\"\n";
}

void RoffPage::separate() {
  const auto line = text_.rfind('\n', text_.size() - 2) + 1;
  if (text_.compare(line, 3, ".SH") != 0 && text_.compare(line, 3, ".SS") != 0) text_ += ".PP\n";
}

void RoffPage::paragraph(std::string_view text) {
  separate();
  text_ += sentence(text) + "\n";
}

void RoffPage::item(std::string_view term, std::string_view text) {
  text_ += ".TP\n\\fB" + escaped(term) + "\\fR\n" + sentence(text) + "\n";
}

void RoffPage::code(std::string_view lines) {
  separate();
  text_ += ".EX\n";
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    text_ += escaped(lines.substr(0, end)) + "\n";
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  text_ += ".EE\n";
}

void RoffPage::see_also(std::string_view pages) {
  section("SEE ALSO");
  while (!pages.empty()) {
    const auto end = std::min(pages.find(", "), pages.size());
    const auto page = pages.substr(0, end);
    const auto paren = page.find('(');
    const bool last = end == pages.size();
    text_ += ".BR " + escaped(page.substr(0, paren)) + " " + std::string(page.substr(paren)) + (last ? "\n" : ",\n");
    pages.remove_prefix(std::min(end + 2, pages.size()));
  }
}

}  // namespace mete::agent::cli
