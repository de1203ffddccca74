// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/reference/completion.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace mete::agent::cli {
namespace {

constexpr auto kKinds = std::to_array<Kind>({
    {"POD", Source::kPods},
    {"CONTAINER", Source::kContainers},
    {"FILE", Source::kFiles},
    {"DIR", Source::kFolders},
    {"SOCKET", Source::kFiles},
    {"IMAGE", Source::kImages},
    {"NETWORK", Source::kNetworks},
    {"RECORD", Source::kRecords},
    {"SIGNAL", Source::kSignals},
    {"ID", Source::kOciContainers},
    // For the reader alone.
    {"ADDRESS", Source::kNone},
    {"BYTES", Source::kNone},
    {"CAPABILITY", Source::kNone},
    {"CGROUP", Source::kNone},
    {"CIDR", Source::kNone},
    {"NAME=ADDRESS", Source::kNone},
    {"COMMAND", Source::kNone},
    {"CONDITION", Source::kNone},
    {"CPUS", Source::kNone},
    {"GID", Source::kNone},
    {"GROUP", Source::kNone},
    {"KIND/NAME", Source::kNone},
    {"LABELS", Source::kNone},
    {"LIST", Source::kNone},
    {"MILLICPUS", Source::kNone},
    {"N", Source::kNone},
    {"NAME", Source::kNone},
    {"NAMESPACE", Source::kNone},
    {"NAME=VALUE", Source::kNone},
    {"PORT", Source::kNone},
    {"PS OPTIONS", Source::kNone},
    {"SECONDS", Source::kNone},
    {"SHARE", Source::kNone},
    {"SIZE", Source::kNone},
    {"TEXT", Source::kNone},
    {"TIME", Source::kNone},
    {"UID[:GID]", Source::kNone},
    {"US", Source::kNone},
    {"[CONTROLLERS:]PATH", Source::kNone},
    {"[POD:]PATH", Source::kFiles},
});

class Walk {
 public:
  explicit Walk(const CommandModel& program) : chain_{&program} {}

  // A word before the cursor.
  void pass(const std::string& word) {
    if (pending_ != nullptr) return value(*std::exchange(pending_, nullptr), word);
    if (!only_words_ && word == "--") {
      only_words_ = true;
    } else if (!only_words_ && word.starts_with("--")) {
      pass_long(word);
    } else if (!only_words_ && word.size() > 1 && word.starts_with('-')) {
      pass_letters(word);
    } else if (const CommandModel* const next = find_command(word)) {
      chain_.push_back(next);
    } else {
      result_.words.push_back(word);
    }
  }

  Completion finish(const std::string& word) {
    if (pending_ != nullptr) {
      offer_value(pending_->value, "", word);
    } else if (!only_words_ && word.starts_with('-')) {
      finish_option(word);
    } else {
      if (result_.words.empty()) offer_commands(word);
      offer_word(word);
    }
    return std::move(result_);
  }

 private:
  const CommandModel* find_command(const std::string& name) const {
    if (only_words_ || !result_.words.empty()) return nullptr;
    const auto& commands = chain_.back()->commands;
    const auto at = std::find_if(commands.begin(), commands.end(), [&](const auto& each) { return each.name == name; });
    return at == commands.end() ? nullptr : &*at;
  }

  // The options of the command come before those of what stands above it.
  const OptionModel* find_option(const std::string& name) const {
    for (auto command = chain_.rbegin(); command != chain_.rend(); ++command) {
      for (const auto& option : (*command)->options) {
        if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) return &option;
      }
    }
    return nullptr;
  }

  void value(const OptionModel& option, const std::string& text) { result_.given[option.names.back()] = text; }

  void pass_long(const std::string& word) {
    const auto equals = word.find('=');
    const OptionModel* const option = find_option(word.substr(0, equals));
    if (option == nullptr) return;
    seen_.insert(option);
    if (option->value.empty()) return;
    if (equals == std::string::npos) {
      pending_ = option;
    } else {
      value(*option, word.substr(equals + 1));
    }
  }

  // "-it", "-cNAME"
  void pass_letters(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const OptionModel* const option = find_option(std::string("-") + word[i]);
      if (option == nullptr) return;
      seen_.insert(option);
      if (option->value.empty()) continue;
      if (i + 1 == word.size()) {
        pending_ = option;
      } else {
        value(*option, word.substr(i + 1));
      }
      return;
    }
  }

  void offer(const std::string& word, const std::string& begun, const std::string& help) {
    if (word.starts_with(begun)) result_.candidates.push_back({word, help});
  }

  void finish_option(const std::string& word) {
    const auto equals = word.find('=');
    if (word.starts_with("--") && equals != std::string::npos) {
      if (const OptionModel* const option = find_option(word.substr(0, equals)))
        offer_value(option->value, word.substr(0, equals + 1), word.substr(equals + 1));
      return;
    }
    std::set<std::string> shown;
    for (auto command = chain_.rbegin(); command != chain_.rend(); ++command) {
      for (const auto& option : (*command)->options) {
        if (seen_.contains(&option) && !option.repeated) continue;
        for (const auto& name : option.names) {
          if (shown.insert(name).second) offer(name, word, option.help);
        }
      }
    }
  }

  void offer_value(const std::string& kind, const std::string& prefix, const std::string& begun) {
    result_.prefix = prefix;
    result_.begun = begun;
    if (!is_choice(kind)) {
      result_.kinds = split_value(kind);
      return;
    }
    for (const auto& each : split_value(kind)) {
      if (each.starts_with(begun)) result_.candidates.push_back({prefix + each, ""});
    }
  }

  void offer_commands(const std::string& word) {
    if (only_words_) return;
    for (const auto& command : chain_.back()->commands) offer(command.name, word, command.what);
  }

  void offer_word(const std::string& word) {
    const auto& words = chain_.back()->words;
    if (words.empty()) return;
    const std::size_t index = result_.words.size();
    if (index >= words.size() && !words.back().repeated) return;
    offer_value(words[std::min(index, words.size() - 1)].value, "", word);
  }

  std::vector<const CommandModel*> chain_;  // the program, then the commands that were named
  const OptionModel* pending_ = nullptr;    // the next word is its value
  bool only_words_ = false;                 // after "--"
  std::set<const OptionModel*> seen_;
  Completion result_;
};

}  // namespace

std::span<const Kind> all_kinds() {
  return kKinds;
}

const Kind* find_kind(std::string_view name) {
  const auto at = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& each) { return each.name == name; });
  return at == kKinds.end() ? nullptr : &*at;
}

Completion complete(const CommandModel& program, std::span<const std::string> typed) {
  if (typed.empty()) return {};
  Walk walk(program);
  for (const auto& word : typed.first(typed.size() - 1)) walk.pass(word);
  return walk.finish(typed.back());
}

}  // namespace mete::agent::cli
