// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/change_lines.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace mete::agent::docker {
namespace {

// One word, whatever is in it.
std::string quoted(const std::string& text) {
  std::string word = "\"";
  for (const char each : text) {
    if (each == '"' || each == '\\') word += '\\';
    word += each;
  }
  return word + "\"";
}

}  // namespace

std::vector<std::string> change_lines(const std::vector<std::string>& parameters) {
  std::vector<std::string> lines;
  for (const auto& text : parameters) {
    std::size_t start = 0;
    while (start < text.size()) {
      const auto end = std::min(text.find('\n', start), text.size());
      if (end > start) lines.push_back(text.substr(start, end - start));
      start = end + 1;
    }
  }
  return lines;
}

std::string unknown_change(const std::vector<std::string>& lines) {
  constexpr std::array<std::string_view, 10> kKnown = {"cmd",     "entrypoint", "env",  "expose", "label",
                                                       "onbuild", "stopsignal", "user", "volume", "workdir"};
  for (const auto& line : lines) {
    const auto start = std::min(line.find_first_not_of(" \t"), line.size());
    std::string word = line.substr(start, line.find_first_of(" \t", start) - start);
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
    if (std::find(kKnown.begin(), kKnown.end(), word) == kKnown.end()) return word;
  }
  return {};
}

std::vector<std::string> lines_of_config(const Json& config) {
  std::vector<std::string> lines = {"ENTRYPOINT " + Json(words_of(config, "Entrypoint")).dump(),
                                    "CMD " + Json(words_of(config, "Cmd")).dump()};
  for (const auto& each : words_of(config, "Env")) lines.push_back("ENV " + quoted(each));
  for (const auto& [name, value] : texts_of(config, "Labels")) {
    if (!name.empty()) lines.push_back("LABEL " + quoted(name + "=" + value));
  }
  for (const auto& each : names_in(config, "ExposedPorts")) lines.push_back("EXPOSE " + quoted(each));
  for (const auto& each : names_in(config, "Volumes")) lines.push_back("VOLUME " + quoted(each));
  const auto add = [&](const char* word, const char* field) {
    if (const std::string text = text_of(config, field); !text.empty()) lines.push_back(word + (" " + text));
  };
  add("USER", "User");
  add("WORKDIR", "WorkingDir");
  add("STOPSIGNAL", "StopSignal");
  return lines;
}

}  // namespace mete::agent::docker
