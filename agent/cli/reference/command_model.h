// SPDX-License-Identifier: Apache-2.0
// The commands and flags of a program as plain values, made from its own definitions (CLI11's for mete, flags.cpp for
// mete-oci). Manual pages and completion are made from them.
#pragma once

#include <string>
#include <vector>

namespace mete::agent::cli {

struct OptionModel {
  std::vector<std::string> names;  // "-o", "--output"; of a word without dashes, what --help calls it
  // What stands for the value. Capitals say of what kind it is ("POD", "CONTAINER|FILE"), small letters are the values
  // themselves ("table|json"). Empty: a flag.
  std::string value;
  std::string help;
  std::string environment;    // the variable that sets it; empty: none
  std::string default_value;  // empty: none, or `help` says it
  bool required = false;
  bool repeated = false;  // may be given more than once
};

struct CommandModel {
  std::string name;
  std::string what;      // one sentence without a full stop
  std::string examples;  // lines, indented by two
  std::vector<OptionModel> options;
  std::vector<OptionModel> words;  // those without dashes, in their order
  std::vector<CommandModel> commands;
};

// "table|json" -> {"table", "json"}
[[nodiscard]] std::vector<std::string> split_value(const std::string& value);
// The parts of `value` are the values themselves, not the kind of a value.
[[nodiscard]] bool is_choice(const std::string& value);

// The commands of mete-oci, from the table that mete-oci reads.
[[nodiscard]] CommandModel oci_model();

}  // namespace mete::agent::cli
