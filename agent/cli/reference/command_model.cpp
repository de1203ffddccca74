// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/reference/command_model.h"

#include <algorithm>
#include <cctype>
#include <variant>

#include "runtime/oci/flags.h"

namespace mete::agent::cli {
namespace {

namespace oci = runtime::oci;

OptionModel model_of(const oci::Flag& flag) {
  OptionModel option;
  if (flag.letter != '\0') option.names.push_back(std::string("-") + flag.letter);
  option.names.push_back("--" + std::string(flag.name));
  option.value = flag.value;
  option.help = flag.help;
  option.repeated = std::holds_alternative<std::vector<std::string> oci::Options::*>(flag.target);
  return option;
}

// "ID [SIGNAL]", "ID [COMMAND ...]"
std::vector<OptionModel> words_of(std::string_view text) {
  std::vector<OptionModel> words;
  while (!text.empty()) {
    const auto end = text.find(text.front() == '[' ? "]" : " ");
    std::string word(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    OptionModel option;
    option.required = word.front() != '[';
    if (!option.required) word.erase(0, 1);
    option.repeated = word.ends_with(" ...");
    if (option.repeated) word.resize(word.size() - 4);
    option.value = word;
    option.names.push_back(std::move(word));
    words.push_back(std::move(option));
  }
  return words;
}

}  // namespace

std::vector<std::string> split_value(const std::string& value) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from < value.size();) {
    const auto end = std::min(value.find('|', from), value.size());
    parts.push_back(value.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

bool is_choice(const std::string& value) {
  return value.find('|') != std::string::npos &&
         std::none_of(value.begin(), value.end(), [](unsigned char c) { return std::isupper(c) != 0; });
}

CommandModel oci_model() {
  CommandModel program;
  program.name = "mete-oci";
  program.what = "An OCI runtime: makes containers from bundles (a config.json and a root file system)";
  program.examples =
      "  mete-oci spec && mete-oci run demo\n  mete-oci create --bundle /srv/web web && mete-oci start web\n"
      "  mete-oci kill web KILL && mete-oci delete web\n";
  for (const auto& flag : oci::all_flags()) {
    if (flag.commands.empty()) program.options.push_back(model_of(flag));
  }
  for (const auto& each : oci::all_commands()) {
    CommandModel command;
    command.name = each.name;
    command.what = each.help;
    command.words = words_of(each.words);
    for (const auto& flag : oci::all_flags()) {
      if (!flag.commands.empty() && oci::fits(flag, each.name)) command.options.push_back(model_of(flag));
    }
    program.commands.push_back(std::move(command));
  }
  return program;
}

}  // namespace mete::agent::cli
