// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/containers/exec_words.h"

#include <algorithm>

namespace mete::agent::cli {

std::vector<std::string> with_dashes(const std::vector<std::string>& words, const std::set<std::string>& with_value) {
  if (std::find(words.begin(), words.end(), "--") != words.end()) return words;
  std::size_t name = 0;
  while (name < words.size() && words[name].starts_with('-')) {
    const std::string& word = words[name];
    // Of -itu the last letter may take the value; --user=me has its own.
    const bool is_long = word.starts_with("--");
    const std::string option = is_long ? word : "-" + word.substr(word.size() - 1);
    name += with_value.contains(option) ? 2 : 1;
  }
  if (name + 1 >= words.size() || words[name + 1].starts_with('-')) return words;
  std::vector<std::string> made = words;
  made.insert(made.begin() + static_cast<std::ptrdiff_t>(name) + 1, "--");
  return made;
}

}  // namespace mete::agent::cli
