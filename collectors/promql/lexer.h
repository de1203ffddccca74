// SPDX-License-Identifier: Apache-2.0
// PromQL text as words. Internal to promql/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::collectors::promql {

struct Word {
  enum class Kind : std::uint8_t { kEnd, kName, kNumber, kDuration, kText, kSign };
  Kind kind = Kind::kEnd;
  std::string text;         // of a kText without its quotes and escapes
  std::size_t column = 0;   // from 1
  double number = 0;        // of a kNumber
  std::int64_t length = 0;  // of a kDuration, in ms
  [[nodiscard]] bool is(std::string_view sign) const { return kind != Kind::kText && text == sign; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  // The next word; an error names the column of what is none.
  [[nodiscard]] Result<Word> next();

 private:
  Word name();
  Result<Word> number();
  Result<Word> quoted();
  [[nodiscard]] std::string column() const { return "column " + std::to_string(at_ + 1); }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace mete::collectors::promql
