// SPDX-License-Identifier: Apache-2.0
// What a person has to change where the YAML parser gave up: the parser names the rule of the grammar that ended, and
// often a line below the fault. Pure. Internal to config/.
#pragma once

#include <string>
#include <string_view>

namespace mete::config {

// Both counted from 0.
struct YamlFault {
  int line = 0;
  int column = 0;
  std::string message;
};

// `message` is the parser's (yaml-cpp, exceptions.h), line and column are where it stopped in `text`.
[[nodiscard]] YamlFault explain_fault(std::string_view text, int line, int column, const std::string& message);

}  // namespace mete::config
