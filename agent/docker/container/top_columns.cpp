// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/top_columns.h"

#include <algorithm>
#include <array>
#include <sstream>

namespace mete::agent::docker {
namespace {

struct Known {
  const char* word;
  const char* title;
  std::size_t of;
};
constexpr std::array kKnown = std::to_array<Known>({
    {"user", "USER", 0},
    {"euser", "EUSER", 0},
    {"pid", "PID", 1},
    {"ppid", "PPID", 2},
    {"c", "C", 3},
    {"stime", "STIME", 4},
    {"tty", "TT", 5},
    {"tt", "TT", 5},
    {"time", "TIME", 6},
    {"cputime", "TIME", 6},
    {"cmd", "CMD", 7},
    {"args", "COMMAND", 7},
    {"command", "COMMAND", 7},
});

Status add(const std::string& list, std::vector<TopColumn>& columns) {
  std::istringstream words(list);
  for (std::string word; std::getline(words, word, ',');) {
    const auto at = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& each) { return word == each.word; });
    if (at == kKnown.end()) return fail("ps: error: unknown user-defined format specifier \"" + word + "\"");
    columns.push_back({at->title, at->of});
  }
  return {};
}

}  // namespace

Result<std::vector<TopColumn>> top_columns(const std::string& ps_args) {
  std::vector<TopColumn> columns;
  std::istringstream words(ps_args);
  for (std::string word; words >> word;) {
    if (word == "-e" || word == "-ef") continue;
    if (word != "-o" && word != "-eo")
      return fail("ps_args: found \"" + word + "\", expected -ef, or -o with columns: mete runs no ps");
    std::string list;
    if (!(words >> list)) return fail("ps_args: found -o and no columns after it, expected some such as pid,args");
    METE_CHECK(add(list, columns));
  }
  if (!columns.empty()) return columns;
  for (const char* title : kTopTitles) columns.push_back({title, columns.size()});
  return columns;
}

}  // namespace mete::agent::docker
