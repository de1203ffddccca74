// SPDX-License-Identifier: Apache-2.0
// The place of a value in the manifests, so that a later error can name it.
#pragma once

#include <string>

namespace mete::config {

struct Location {
  std::string file;
  int line = 0;    // from 1; 0: not known (made by a program, not read from a file)
  int column = 0;  // from 1

  // The place is no part of the value: a Pod that a new comment moves down is the same Pod. All locations compare
  // equal, so that the defaulted == of a struct with a Location ignores it.
  friend constexpr bool operator==(const Location& /*a*/, const Location& /*b*/) { return true; }
};

// "web.yaml:3:7"; unknown parts are left out.
[[nodiscard]] inline std::string to_string(const Location& location) {
  std::string text = location.file.empty() ? "<manifest>" : location.file;
  if (location.line > 0) text += ":" + std::to_string(location.line) + ":" + std::to_string(location.column);
  return text;
}

}  // namespace mete::config
