// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/cli_model.h"

#include <algorithm>

namespace mete::agent::cli {
namespace {

// CLI11 writes "TYPE:CHECK:CHECK" and an enumeration as "{table,wide}".
std::string value_of(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return {};
  const std::string type = option.get_type_name();
  const auto open = type.find('{');
  if (open == std::string::npos || !type.ends_with('}')) return type.substr(0, type.find(':'));
  std::string choices = type.substr(open + 1, type.size() - open - 2);
  std::replace(choices.begin(), choices.end(), ',', '|');
  return choices;
}

OptionModel option_model(const CLI::Option& option) {
  OptionModel model;
  for (const auto& name : option.get_snames()) model.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) model.names.push_back("--" + name);
  model.value = value_of(option);
  model.help = option.get_description();
  model.environment = option.get_envname();
  model.default_value = option.get_default_str();
  model.required = option.get_required();
  model.repeated = option.get_items_expected_max() > 1;
  return model;
}

// What --help prints after an example text: "\nExamples:\n" and the lines.
std::string examples_of(const CLI::App& app) {
  const std::string footer = app.get_footer();
  const auto lines = footer.find("  ");
  return lines == std::string::npos ? std::string() : footer.substr(lines);
}

}  // namespace

CommandModel command_model(const CLI::App& app) {
  CommandModel model;
  model.name = app.get_name();
  model.what = app.get_description();
  model.examples = examples_of(app);
  for (const auto* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    OptionModel each = option_model(*option);
    // "-f,--filename,files" is a word as well; it is required in one of its forms.
    if (option->get_positional()) {
      OptionModel word = each;
      word.names = {option->get_name(true)};
      if (!each.names.empty()) word.names = {option->get_single_name()};
      model.words.push_back(std::move(word));
    }
    if (!each.names.empty()) model.options.push_back(std::move(each));
  }
  for (const auto* command : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); }))
    model.commands.push_back(command_model(*command));
  return model;
}

}  // namespace mete::agent::cli
