// SPDX-License-Identifier: Apache-2.0
// A Dockerfile as stages, and which of them a target needs. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/build/language/dockerfile.h"
#include "runtime/build/language/words.h"

namespace mete::runtime::build {

// Values of --build-arg and of the machine, by name.
using Arguments = std::map<std::string, std::string>;

struct Stage {
  std::size_t index = 0;
  std::string name;                   // of "AS name", lower case; empty: none
  std::string base;                   // variables replaced: an image, "scratch", or the name of a stage before
  std::string platform;               // of --platform, variables replaced; empty: this machine's
  std::optional<std::size_t> parent;  // `base` is this stage
  std::vector<std::size_t> needs;     // all stages that it takes something from, the parent included
  Instruction from;
  std::vector<Instruction> body;
};

struct Stages {
  std::vector<Stage> all;
  std::map<std::string, std::size_t> names;  // of stages that have one: name -> index
  Arguments global;                   // ARG before the first FROM: name -> value, as `given` has it or the default
  std::vector<std::string> declared;  // names of these ARG instructions
};

// TARGETPLATFORM and the like, for an image of this machine: "linux/amd64".
[[nodiscard]] Arguments platform_arguments(const std::string& architecture);

// The error points into the Dockerfile: an instruction before FROM, a name that is used twice, --from of a later stage.
[[nodiscard]] Result<Stages> split_stages(const Dockerfile& file, const Arguments& given, const Arguments& platform);

// What is built for a target, in order. `target` is a name or a number; empty: the last stage.
[[nodiscard]] Result<std::vector<std::size_t>> needed_stages(const Stages& stages, const std::string& target);

// The name or number of a stage before `index`; nothing: it is none of these.
[[nodiscard]] std::optional<std::size_t> find_stage(const Stages& stages, const std::string& name, std::size_t before);

// The value of --NAME; nothing: the instruction has none.
[[nodiscard]] std::optional<std::string> flag_value(const Instruction& instruction, const std::string& name);

}  // namespace mete::runtime::build
