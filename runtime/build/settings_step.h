// SPDX-License-Identifier: Apache-2.0
// The instructions that change an image's configuration and none of its files. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/build/language/dockerfile.h"
#include "runtime/build/language/image_settings.h"
#include "runtime/build/language/words.h"

namespace mete::runtime::build {

struct StepContext {
  const SourceText& source;
  char escape = '\\';
  Lookup lookup;
  bool cmd_set = false;  // CMD came before in this stage: ENTRYPOINT then keeps it
};

// True for CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, MAINTAINER, ONBUILD, SHELL, STOPSIGNAL, USER and VOLUME.
[[nodiscard]] bool changes_settings(const std::string& keyword);

// Carries such an instruction out on `settings`. Returns it with its variables replaced: its row of the history.
[[nodiscard]] Result<std::string> apply_to_settings(const Instruction& instruction, const StepContext& context,
                                                    ImageSettings& settings);

// The error: a flag that is not among `known`.
[[nodiscard]] Status check_flags(const Instruction& instruction, const std::vector<std::string>& known);

// "30s", "1m30s", "1.5h", as Go writes durations; ns.
[[nodiscard]] Result<std::int64_t> duration_of(const std::string& text);

// An instruction in the history that runs nothing, as docker writes it.
[[nodiscard]] std::string no_command(const std::string& shown);

// The command line of a shell form.
[[nodiscard]] std::vector<std::string> in_shell(const ImageSettings& settings, const std::string& text);

// `path` seen from the working directory, without "." and "..".
[[nodiscard]] std::string from_working_dir(const ImageSettings& settings, const std::string& path);

}  // namespace mete::runtime::build
