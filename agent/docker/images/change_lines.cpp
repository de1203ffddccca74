// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/images/change_lines.h"

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

struct Instruction {
  std::string_view name;
  bool takes_one;  // exactly one argument
};
constexpr auto kChanges = std::to_array<Instruction>({{"cmd", false},
                                                      {"entrypoint", false},
                                                      {"env", false},
                                                      {"expose", false},
                                                      {"label", false},
                                                      {"onbuild", false},
                                                      {"stopsignal", true},
                                                      {"user", true},
                                                      {"volume", false},
                                                      {"workdir", true}});

// "[...]" that is JSON is a list of words; what is none is text.
bool has_other_than_words(const std::string& text) {
  const Json value = Json::parse(text, nullptr, false);
  return value.is_array() &&
         !std::all_of(value.begin(), value.end(), [](const Json& each) { return each.is_string(); });
}

std::string wrong_line(const std::string& line) {
  const auto start = std::min(line.find_first_not_of(" \t"), line.size());
  const auto end = std::min(line.find_first_of(" \t", start), line.size());
  const std::string given = line.substr(start, end - start);
  std::string name = given;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto known =
      std::find_if(kChanges.begin(), kChanges.end(), [&](const auto& each) { return each.name == name; });
  if (known == kChanges.end()) return name + " is not a valid change command";
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  const auto argument = std::min(line.find_first_not_of(" \t", end), line.size());
  if (argument == line.size())
    return name + " requires " + (known->takes_one ? "exactly" : "at least") + " one argument";
  if (has_other_than_words(line.substr(argument)))
    return "when using JSON array syntax, arrays must be comprised of strings only";
  return {};
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

std::string wrong_change(const std::vector<std::string>& lines) {
  for (const auto& line : lines) {
    if (std::string why = wrong_line(line); !why.empty()) return why;
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
