// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/command_line.h"

#include <algorithm>
#include <set>
#include <utility>

#include "agent/cli/containers/exec_words.h"
#include "agent/cli/output/nearest_word.h"
#include "agent/cli/output/output.h"

namespace mete::agent::cli {
namespace {

std::string footer_of(const char* examples) {
  return std::string("\nExamples:\n") + examples;
}

// "-c", "--container": the options of a command whose value may be the next word.
std::set<std::string> options_with_value(const CLI::App& app) {
  std::set<std::string> names;
  for (const auto* option : app.get_options()) {
    if (option->get_items_expected_max() == 0) continue;
    for (const auto& name : option->get_snames()) names.insert("-" + name);
    for (const auto& name : option->get_lnames()) names.insert("--" + name);
  }
  return names;
}

// Where the next word stands that is no option, from `at` on; words.size(): nowhere.
std::size_t next_word(const std::vector<std::string>& words, std::size_t at, const std::set<std::string>& with_value) {
  while (at < words.size() && words[at].starts_with('-') && words[at] != "--")
    at += with_value.contains(words[at]) ? 2 : 1;
  return std::min(at, words.size());
}

const CLI::App* find_command(const CLI::App& parent, const std::string& name) {
  for (const auto* each : parent.get_subcommands([](const CLI::App*) { return true; })) {
    if (each->get_name() == name) return each;
  }
  return nullptr;
}

int unknown_command(const CLI::App& parent, const std::string& path, const std::string& found) {
  std::vector<std::string> known;
  for (const auto* each : parent.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    known.push_back(each->get_name());
  const std::string nearest = nearest_word(found, known);
  const std::string guess = nearest.empty() ? "" : "; the nearest is `" + path + " " + nearest + "`";
  return complain("found no command \"" + path + " " + found + "\"" + guess + "; `" + path + " --help` lists all",
                  kUsage);
}

// "mete cp: to is required"
std::string failure_text(const CLI::App* app, const CLI::Error& error) {
  std::string path = app->get_name();
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    path += " " + app->get_name();
  }
  return path + ": " + error.what() + "\nRun `" + path + " --help` for more information.\n";
}

}  // namespace

CommandLine::CommandLine()
    : app_(
          "mete: launches containers from manifests, measures them, holds them to their limits, tells Prometheus.\n"
          "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no agent answers, 4 not found.",
          "mete") {
  app_.require_subcommand(1);
  app_.fallthrough();
  app_.failure_message(failure_text);
  auto& settings = common_.settings;
  app_.add_option("--state", settings.state, "What survives a reboot: images, records, logs")
      ->type_name(kFolder)
      ->envname("METE_STATE")
      ->capture_default_str();
  app_.add_option("--run", settings.run, "The agent's socket and live state")
      ->type_name(kFolder)
      ->envname("METE_RUN")
      ->capture_default_str();
  app_.add_option("--host", host_, "The agent's socket, unix:///PATH; default: RUN/mete.sock")
      ->type_name("SOCKET")
      ->envname("METE_HOST");
  app_.set_version_flag("--version", std::string("mete version ") + METE_VERSION);
}

CLI::App* CommandLine::add(const About& about, std::function<int()> run, CLI::App* parent) {
  CLI::App* const command = (parent == nullptr ? app_ : *parent).add_subcommand(about.name, about.what);
  if (*about.examples == '\0') {
    command->group("");
  } else {
    command->footer(footer_of(about.examples));
  }
  commands_[command] = std::move(run);
  return command;
}

CLI::App* CommandLine::add_group(const About& about) {
  CLI::App* const group = app_.add_subcommand(about.name, about.what)->require_subcommand(1);
  group->footer(footer_of(about.examples));
  return group;
}

void CommandLine::add_output(CLI::App* command) {
  command->add_option("-o,--output", common_.output, "table, wide, json or yaml")
      ->check(CLI::IsMember({"table", "wide", "json", "yaml"}));
}

std::optional<int> CommandLine::prepare(std::vector<std::string>& words) const {
  const CLI::App* parent = &app_;
  std::string path = "mete";
  std::set<std::string> with_value = options_with_value(app_);
  std::size_t at = 0;
  while (true) {
    at = next_word(words, at, with_value);
    if (at >= words.size() || words[at] == "--") return std::nullopt;
    const CLI::App* const command = find_command(*parent, words[at]);
    if (command == nullptr) return unknown_command(*parent, path, words[at]);
    path += " " + words[at++];
    with_value.merge(options_with_value(*command));
    const bool has_commands = !command->get_subcommands([](const CLI::App*) { return true; }).empty();
    if (!has_commands) break;
    parent = command;
  }
  if (path != "mete exec") return std::nullopt;
  const auto begin = words.begin() + static_cast<std::ptrdiff_t>(at);
  const auto rest = with_dashes({begin, words.end()}, with_value);
  words.erase(begin, words.end());
  words.insert(words.end(), rest.begin(), rest.end());
  return std::nullopt;
}

std::string CommandLine::first_word(int argc, const char* const* argv) const {
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const std::size_t at = next_word(words, 0, options_with_value(app_));
  return at < words.size() ? words[at] : "";
}

int CommandLine::run(int argc, const char* const* argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (const auto refused = prepare(words)) return *refused;
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  try {
    app_.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return app_.exit(error) == 0 ? kDone : kUsage;
  }
  common_.socket = host_.starts_with("unix://") ? host_.substr(7) : host_.empty() ? common_.settings.socket() : host_;
  const CLI::App* chosen = app_.get_subcommands().front();
  while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().front();
  return commands_.at(chosen)();
}

}  // namespace mete::agent::cli
