// SPDX-License-Identifier: Apache-2.0
// The command line of a RUN in a Dockerfile. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/build/language/dockerfile.h"
#include "runtime/build/language/image_settings.h"

namespace mete::runtime::build {

// A RUN that is nothing but a here-document runs it as a script: with the shell, or by itself where it begins with "#!"
// (`script` then has it).
struct RunCommand {
  std::vector<std::string> args;
  std::string script;
  std::string shown;  // for messages and the history
};
inline constexpr const char* kScriptPath = "/dev/build-script";
[[nodiscard]] Result<RunCommand> run_command(const Instruction& at, const ImageSettings& settings, char escape);

}  // namespace mete::runtime::build
