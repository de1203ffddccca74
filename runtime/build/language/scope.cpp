// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/scope.h"

#include <algorithm>

#include "runtime/build/language/heredoc.h"

namespace mete::runtime::build {

bool is_proxy_argument(const std::string& name) {
  const std::string upper = upper_case(name);
  if (name != upper && name != lower_case(name)) return false;
  for (const char* each : {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}) {
    if (upper == each) return true;
  }
  return false;
}

Result<std::string> Scope::declare(const Instruction& instruction, const ImageSettings& settings, char escape) {
  std::string shown = "ARG";
  for (const std::string& word : raw_words(instruction.rest, escape)) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (name.empty()) return fail("ARG: found \"" + word + "\" without a name, expected NAME or NAME=value");
    shown += " " + name;
    std::optional<std::string> value;
    if (equals != std::string::npos) {
      METE_TRY(value, expand(word.substr(equals + 1), lookup(settings), escape));
      shown += "=" + *value;
    } else if (const auto global = stages_->global.find(name); global != stages_->global.end()) {
      value = global->second;
    } else if (const auto machine = platform_->find(name); machine != platform_->end()) {
      value = machine->second;
    }
    if (const auto given = given_->find(name); given != given_->end()) value = given->second;
    if (!value) continue;
    bytes_ += value->size();
    if (bytes_ > kMostVariables)
      return fail("ARG: found more than " + std::to_string(kMostVariables) +
                  " bytes in the arguments of the stage, expected fewer");
    values_[name] = *value;
  }
  return shown;
}

Lookup Scope::lookup(const ImageSettings& settings) const {
  return [this, &settings](const std::string& name) -> std::optional<std::string> {
    if (auto value = variable_of(settings.env, name)) return value;
    const auto found = values_.find(name);
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  };
}

std::vector<std::string> Scope::run_variables(const ImageSettings& settings, bool with_proxies) const {
  Arguments values = values_;
  if (with_proxies) {
    for (const auto& [name, value] : *given_) {
      if (is_proxy_argument(name)) values.emplace(name, value);
    }
  }
  std::vector<std::string> variables;
  for (const auto& [name, value] : values) {
    if (!variable_of(settings.env, name)) variables.push_back(name + "=" + value);
  }
  return variables;
}

std::vector<std::string> unused_arguments(const Dockerfile& file, const Arguments& given) {
  std::vector<std::string> unused;
  for (const auto& [name, value] : given) {
    const auto declares = [&, &name = name](const Instruction& each) {
      if (each.keyword != "ARG") return false;
      const auto words = raw_words(each.rest, file.escape);
      return std::any_of(words.begin(), words.end(),
                         [&](const std::string& word) { return word.substr(0, word.find('=')) == name; });
    };
    if (!is_proxy_argument(name) && std::none_of(file.instructions.begin(), file.instructions.end(), declares))
      unused.push_back(name);
  }
  return unused;
}

}  // namespace mete::runtime::build
