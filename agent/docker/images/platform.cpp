// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/images/platform.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace mete::agent::docker {
namespace {

// Of go tool dist list, and what people call them beside that.
constexpr auto kSystems =
    std::to_array<std::string_view>({"aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js",
                                     "linux", "netbsd", "openbsd", "plan9", "solaris", "windows"});
constexpr auto kArchitectures =
    std::to_array<std::string_view>({"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle",
                                     "ppc64", "ppc64le", "riscv64", "s390x", "wasm"});
constexpr auto kAliases = std::to_array<std::pair<std::string_view, std::string_view>>({{"x86_64", "amd64"},
                                                                                        {"x86-64", "amd64"},
                                                                                        {"aarch64", "arm64"},
                                                                                        {"i386", "386"},
                                                                                        {"armhf", "arm"},
                                                                                        {"armel", "arm"}});

bool is_among(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string usual_name(const std::string& architecture) {
  for (const auto& [alias, name] : kAliases) {
    if (architecture == alias) return std::string(name);
  }
  return architecture;
}

}  // namespace

std::string to_text(const Platform& platform) {
  return platform.system + "/" + platform.architecture;
}

Result<Platform> parse_platform(const std::string& text, const std::string& architecture) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    words.push_back(text.substr(at, end - at));
    std::transform(words.back().begin(), words.back().end(), words.back().begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    at = end + 1;
  }
  const auto wrong = [&] {
    return fail("\"" + text.substr(0, 60) + "\": unknown operating system or architecture: invalid argument");
  };
  if (words.size() == 1 && is_among(kSystems, words[0])) return Platform{words[0], architecture};
  // "arm64", "arm64/v8"
  if (is_among(kArchitectures, usual_name(words[0])) && words.size() <= 2)
    return Platform{"linux", usual_name(words[0])};
  if (words.size() < 2 || words.size() > 3 || words[0].empty() || words[1].empty()) return wrong();
  return Platform{words[0], usual_name(words[1])};
}

}  // namespace mete::agent::docker
