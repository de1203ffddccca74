// SPDX-License-Identifier: Apache-2.0
// Proposes the words that can follow at the cursor. Pure, from the definitions of a program's commands. The scripts of
// bash, zsh and fish only ask `mete complete` and show its answer, so they cannot differ from the program.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/reference/command_model.h"

namespace mete::agent::cli {

struct Candidate {
  std::string word;  // the whole word, with what is typed of it
  std::string help;
};

struct Completion {
  std::vector<Candidate> candidates;  // in the order of the definitions
  std::vector<std::string> kinds;     // what else fits and has to be looked up: "POD", "FILE"
  // For what is looked up: `prefix` stands before it ("--container="), and it begins with `begun`.
  std::string prefix;
  std::string begun;
  std::vector<std::string> words;            // given before: words without dashes, without commands
  std::map<std::string, std::string> given;  // given before: options with a value, by their last name
};

// `typed`: the words after the program's name, the last of which is the unfinished one (perhaps empty).
[[nodiscard]] Completion complete(const CommandModel& program, std::span<const std::string> typed);

// What a script of `shell` is, for the program `name`. Empty: no such shell.
[[nodiscard]] std::string completion_script(std::string_view shell, std::string_view name);
inline constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};

// Every word that stands for a kind of value. Those without a source are for the reader of --help alone.
enum class Source {
  kNone,
  kFiles,
  kFolders,
  kPods,
  kContainers,
  kImages,
  kNetworks,
  kRecords,
  kSignals,
  kOciContainers
};
struct Kind {
  std::string_view name;
  Source source;
};
[[nodiscard]] std::span<const Kind> all_kinds();
// Null: there is none of that name.
[[nodiscard]] const Kind* find_kind(std::string_view name);

}  // namespace mete::agent::cli
