// SPDX-License-Identifier: Apache-2.0
// Patterns of paths as Go's filepath.Match has them ('*', '?', '[a-z]', '[^a]', '\'), with ** where .dockerignore has
// it. Matching takes time linear in the path. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::build {

enum class DoubleStar { kNo, kYes };

class PathPattern {
 public:
  // Error: a '[' without its end, a range without its bounds.
  [[nodiscard]] static Result<PathPattern> compile(std::string_view text, DoubleStar double_star);

  [[nodiscard]] bool matches(std::string_view path) const;

 private:
  enum class Kind { kCharacter, kOne, kStar, kAll, kFolders, kClass };
  struct Step {
    Kind kind;
    char32_t character = 0;
    bool negated = false;
    std::vector<std::pair<char32_t, char32_t>> ranges = {};
  };
  [[nodiscard]] static Result<Step> read_class(const std::u32string& text, std::size_t& at);
  void reach(std::size_t step, std::vector<char>& active) const;
  void feed(std::size_t step, char32_t c, std::vector<char>& next) const;
  std::vector<Step> steps_;
};

// True: `text` has a character that filepath.Match takes for more than itself.
[[nodiscard]] bool has_wildcard(std::string_view text);

}  // namespace mete::runtime::build
