// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/command_line.h"

#include <utility>

namespace mete::agent::cli {
namespace {

std::string footer_of(const char* examples) {
  return std::string("\nExamples:\n") + examples;
}

}  // namespace

CommandLine::CommandLine()
    : app_(
          "mete: launches containers from manifests, measures them, holds them to their limits, tells Prometheus.\n"
          "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no agent answers, 4 not found.",
          "mete") {
  app_.require_subcommand(1);
  app_.fallthrough();
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

int CommandLine::run(int argc, const char* const* argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_.exit(error) == 0 ? kDone : kUsage;
  }
  common_.socket = host_.starts_with("unix://") ? host_.substr(7) : host_.empty() ? common_.settings.socket() : host_;
  const CLI::App* chosen = app_.get_subcommands().front();
  while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().front();
  return commands_.at(chosen)();
}

}  // namespace mete::agent::cli
