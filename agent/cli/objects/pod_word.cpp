// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/pod_word.h"

#include <charconv>

#include "agent/cli/objects/kinds.h"

namespace mete::agent::cli {

Result<std::string> pod_word(const std::string& word, const std::string& space) {
  const auto slash = word.find('/');
  if (slash == std::string::npos) return space.empty() ? word : space + "/" + word;
  const std::string name = word.substr(slash + 1);
  if (const KindName* const kind = kind_named(word.substr(0, slash)); kind != nullptr) {
    if (kind->kind != "Pod")
      return fail("found \"" + word + "\", expected NAME, NAMESPACE/NAME or pod/NAME of a pod; `mete get pods` lists " +
                  "them, and -n gives a namespace that has the name of a kind");
    if (name.empty()) return fail("found \"" + word + "\", expected pod/NAME");
    return pod_word(name, space);
  }
  if (!space.empty()) return fail("found \"" + word + "\" and -n " + space + ", expected one namespace");
  return word;
}

Result<LogsN> read_logs_n(const std::string& text) {
  if (text.empty() || text.front() == '-')
    return fail("-n: found \"" + text + "\", expected a number of lines or a namespace");
  if (text.find_first_not_of("0123456789") != std::string::npos) return LogsN{std::nullopt, text};
  std::uint64_t lines = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), lines);
  if (error != std::errc()) return fail("-n: found \"" + text + "\", expected a number of 64 bits or a namespace");
  return LogsN{lines, {}};
}

}  // namespace mete::agent::cli
