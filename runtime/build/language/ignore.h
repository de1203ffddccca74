// SPDX-License-Identifier: Apache-2.0
// .dockerignore: which files of a context do not exist for a build. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/build/language/path_pattern.h"

namespace mete::runtime::build {

class IgnoreRules {
 public:
  IgnoreRules() = default;
  // The last line that matches a path or a folder above it decides; '!' at its front takes the path back.
  [[nodiscard]] static Result<IgnoreRules> parse(std::string_view text);

  // `path` is relative, without "./" and without '/' at its ends.
  [[nodiscard]] bool ignores(std::string_view path) const;
  // False: nothing below an ignored folder can be taken back, so it need not be looked at.
  [[nodiscard]] bool has_exceptions() const { return exceptions_; }
  [[nodiscard]] bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    PathPattern pattern;
    bool exception = false;
  };
  std::vector<Rule> rules_;
  bool exceptions_ = false;
};

// "a//./b/../c" -> "a/c", "/a" -> "/a", "" -> "." as Go's filepath.Clean.
[[nodiscard]] std::string clean_path(std::string_view path);

}  // namespace mete::runtime::build
