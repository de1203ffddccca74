// SPDX-License-Identifier: Apache-2.0
// The patterns of ${NAME#pattern}, ##, %, %%, / and //: '*' is any characters, '?' one, '\' keeps the next. A value of
// a megabyte is compared in time that grows with it, not with its square. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mete::runtime::build {

class WordPattern {
 public:
  explicit WordPattern(std::string_view text);

  enum class Part { kShortest, kLongest };
  // Without the part at the front, or at the end, that matches; where none does, the whole text.
  [[nodiscard]] std::string without_prefix(std::string_view text, Part part) const;
  [[nodiscard]] std::string without_suffix(std::string_view text, Part part) const;

  enum class Times { kOnce, kAll };
  // With `by` in place of each longest part that matches and is not empty. It ends once it has more than `most` bytes.
  [[nodiscard]] std::string replaced(std::string_view text, std::string_view by, Times times, std::size_t most) const;

 private:
  struct Character {
    char value;
    bool any;  // '?'
  };
  using Piece = std::vector<Character>;  // what stands between two '*'
  enum class Found { kHere, kNotHere, kNowhereBehind };

  WordPattern() = default;
  [[nodiscard]] static bool stands(const Piece& piece, std::string_view text, std::size_t at);
  [[nodiscard]] static std::size_t first(const Piece& piece, std::string_view text, std::size_t from);
  [[nodiscard]] static std::size_t last(const Piece& piece, std::string_view text, std::size_t from);
  // Where the part that begins at `from` ends. kNowhereBehind: no part that begins later matches either.
  [[nodiscard]] Found match(std::string_view text, std::size_t from, Part part, std::size_t& end) const;
  std::vector<Piece> pieces_;
};

}  // namespace mete::runtime::build
