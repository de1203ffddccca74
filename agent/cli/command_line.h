// SPDX-License-Identifier: Apache-2.0
// A command of `mete` consists of a name, a sentence, examples, flags and a function. Each command has a file of its
// own, in which add_NAME() registers it; command_table.cpp lists these functions.
//
// Commands return the exit code: 0 done, 1 failed, 2 wrong usage (CLI11), 3 no agent answers, 4 not found. Every table
// is also available as -o json and yaml.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/settings.h"

namespace mete::agent::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kNoAgent = 3;
inline constexpr int kNotFound = 4;

// Options that all commands have.
struct Common {
  Settings settings;
  std::string socket;            // of the agent
  std::string output = "table";  // table, wide, json, yaml
};

inline constexpr const char* kPodName = "NAME or NAMESPACE/NAME";
// What stands for a value in --help, as type_name(): completion looks up the names of that kind. All of them are in
// reference/completion.cpp, which a test compares with the commands.
inline constexpr const char* kPod = "POD";
inline constexpr const char* kContainer = "CONTAINER";
inline constexpr const char* kNetworkName = "NETWORK";
inline constexpr const char* kFile = "FILE";
inline constexpr const char* kFolder = "DIR";

class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  struct About {
    const char* name;
    const char* what;      // one sentence without a full stop
    const char* examples;  // lines, indented by two; empty: an internal command, which --help leaves out
  };
  // Adds a command below `parent`, or below mete itself. `run` is called at most once, after the flags are parsed.
  CLI::App* add(const About& about, std::function<int()> run, CLI::App* parent = nullptr);
  // Adds a word that only groups commands: `image` in `mete image import`.
  CLI::App* add_group(const About& about);
  // -o table|wide|json|yaml
  void add_output(CLI::App* command);

  [[nodiscard]] Common& common() { return common_; }
  [[nodiscard]] const CLI::App& app() const { return app_; }
  // The first word that is no option of mete itself: the command's name. Empty: there is none.
  [[nodiscard]] std::string first_word(int argc, const char* const* argv) const;
  // Parses, runs the command and returns its exit code.
  [[nodiscard]] int run(int argc, const char* const* argv);

 private:
  // Puts "--" before the command of `mete exec`. A value: there is no such command, which has been told.
  [[nodiscard]] std::optional<int> prepare(std::vector<std::string>& words) const;

  Common common_;
  std::string host_;  // METE_HOST: unix:///path
  CLI::App app_;
  std::map<const CLI::App*, std::function<int()>> commands_;
};

// Registers the commands that are defined with `word`, or all of them: for --help, for a word that is none, and for
// what is made of the definitions. Each command does the same in both cases.
void add_commands(CommandLine& line, std::string_view word);

}  // namespace mete::agent::cli
