// SPDX-License-Identifier: Apache-2.0
// The commands and flags of mete-oci as one table: the parser, --help, completion and the manual page read it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/oci/config/options.h"

namespace mete::runtime::oci {

using Target = std::variant<bool Options::*, std::string Options::*, std::vector<std::string> Options::*>;

struct Flag {
  std::string_view name;
  char letter;                // '\0': none
  std::string_view commands;  // " create run "; empty: a global flag
  Target target;
  std::string_view
      value;  // stands for the value in --help: "FILE", or the values "text|json"; empty: the flag has none
  std::string_view help;
};

struct Command {
  std::string_view name;
  std::size_t least;  // words
  std::size_t most;
  std::string_view words;
  std::string_view help;
};

[[nodiscard]] std::span<const Flag> all_flags();
[[nodiscard]] std::span<const Command> all_commands();
// The flag may stand after `command`; global flags may stand anywhere.
[[nodiscard]] bool fits(const Flag& flag, std::string_view command);
// Null: there is none of that name.
[[nodiscard]] const Command* find_command(std::string_view name);
// The help of one command with its flags; of all commands when `command` names none.
[[nodiscard]] std::string help_text(std::string_view command);

}  // namespace mete::runtime::oci
