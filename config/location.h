// SPDX-License-Identifier: Apache-2.0
// Where in the manifests something was said, so that an error found later can still point at it.
#pragma once

#include <string>

namespace mete::config {

struct Location {
  std::string file;
  int line = 0;    // from 1; 0 = not known (built by a program, not read from a file)
  int column = 0;  // from 1

  // Where a thing is written is not part of what it says: a Pod moved down by a comment is the same Pod, and the
  // defaulted == of the structs that carry a Location must say so.
  friend constexpr bool operator==(const Location& /*a*/, const Location& /*b*/) { return true; }
};

// "web.yaml:3:7", without what is not known.
[[nodiscard]] inline std::string to_string(const Location& location) {
  std::string text = location.file.empty() ? "<manifest>" : location.file;
  if (location.line > 0) text += ":" + std::to_string(location.line) + ":" + std::to_string(location.column);
  return text;
}

}  // namespace mete::config
