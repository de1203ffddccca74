// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/config/options.h"

#include <charconv>
#include <string_view>
#include <variant>

#include "runtime/oci/flags.h"

namespace mete::runtime::oci {
namespace {

class Parser {
 public:
  Parser(int argc, const char* const* argv, Options& options) : argc_(argc), argv_(argv), options_(options) {}

  Status parse() {
    bool flags_end = false;
    while (at_ < argc_) {
      const std::string word = argv_[at_++];
      if (flags_end || word.size() < 2 || word.front() != '-') {
        METE_CHECK(take_word(word));
        // Words after exec's id belong to the command, those after ps's to ps(1).
        const bool others = options_.command == "exec" || options_.command == "ps";
        flags_end = flags_end || (others && !options_.words.empty());
      } else if (word == "--") {
        flags_end = true;
      } else {
        METE_CHECK(take_flag(word));
      }
    }
    return check_words();
  }

 private:
  Status take_word(const std::string& word) {
    if (options_.command.empty()) {
      if (find_command(word) == nullptr)
        return fail("found the command \"" + word + "\", expected one of those that --help lists");
      options_.command = word;
    } else {
      options_.words.push_back(word);
    }
    return {};
  }

  const Flag* find_flag(std::string_view name) const {
    const bool is_long = name.starts_with("--");
    const std::string_view bare = name.substr(is_long ? 2 : 1);
    for (const auto& flag : all_flags()) {
      // runc's library takes -name for --name as well.
      const bool named = flag.name == bare || (!is_long && bare.size() == 1 && flag.letter == bare.front());
      if (named && fits(flag, options_.command)) return &flag;
    }
    return nullptr;
  }

  Status take_flag(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const Flag* flag = find_flag(name);
    if (flag == nullptr) {
      return fail("found the flag " + name + (options_.command.empty() ? "" : " after " + options_.command) +
                  ", expected one that " + (options_.command.empty() ? "" : options_.command + " ") + "--help lists");
    }
    if (const auto* target = std::get_if<bool Options::*>(&flag->target)) {
      options_.*(*target) = equals == std::string::npos || word.substr(equals + 1) == "true";
      return {};
    }
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (at_ < argc_) {
      value = argv_[at_++];
    } else {
      return fail("found " + name + " at the end, expected its value after it");
    }
    if (const auto* target = std::get_if<std::string Options::*>(&flag->target)) {
      options_.*(*target) = std::move(value);
    } else {
      (options_.*std::get<std::vector<std::string> Options::*>(flag->target)).push_back(std::move(value));
    }
    return {};
  }

  Status check_words() const {
    if (options_.version || options_.help) return {};
    if (options_.command.empty()) return fail("found no command, expected one of those that --help lists");
    const Command& command = *find_command(options_.command);
    if (options_.words.size() >= command.least && options_.words.size() <= command.most) return {};
    return fail(options_.command + ": found " + std::to_string(options_.words.size()) + " words after it, expected: " +
                options_.command + (command.words.empty() ? "" : " ") + std::string(command.words));
  }

  int argc_;
  const char* const* argv_;
  Options& options_;
  int at_ = 1;
};

}  // namespace

Status parse_options(int argc, const char* const* argv, Options& options) {
  return Parser(argc, argv, options).parse();
}

Result<int> preserved_fds(const Options& options) {
  const auto& text = options.preserve_fds;
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  constexpr int kMost = 1024;
  if (error == std::errc() && end == text.data() + text.size() && count >= 0 && count <= kMost) return count;
  return fail("--preserve-fds: found \"" + text + "\", expected a number of descriptors, at most 1024");
}

}  // namespace mete::runtime::oci
