// SPDX-License-Identifier: Apache-2.0
// The text of a Dockerfile, and errors that point into it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::build {

class SourceText {
 public:
  SourceText() = default;
  // `name` stands in errors: "Dockerfile". A byte order mark and carriage returns at line ends are dropped.
  SourceText(std::string name, std::string_view text);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

  // "Dockerfile:3: WHAT", the line and the one before it, and carets below `word`, or below the whole line where the
  // word is "" or not in it. `line` counts from 1.
  [[nodiscard]] std::string picture(std::size_t line, std::string_view word, const std::string& what) const;
  [[nodiscard]] tl::unexpected<Error> error(std::size_t line, std::string_view word, const std::string& what) const;

 private:
  std::string name_;
  std::vector<std::string> lines_;
};

// Without blanks and tabs at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);
[[nodiscard]] std::string upper_case(std::string_view text);
[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace mete::runtime::build
