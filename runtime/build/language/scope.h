// SPDX-License-Identifier: Apache-2.0
// Which variables an instruction sees: the image's environment first, then the arguments that its stage has declared.
// Pure.
#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "runtime/build/language/image_settings.h"
#include "runtime/build/language/stages.h"

namespace mete::runtime::build {

class Scope {
 public:
  // All three outlive it.
  Scope(const Stages& stages, const Arguments& given, const Arguments& platform)
      : stages_(&stages), given_(&given), platform_(&platform) {}
  Scope(const Stages& stages, const Arguments&& given, const Arguments& platform) = delete;

  // ARG NAME[=default]...; the defaults may use variables. Returns the instruction with these replaced. An argument
  // with neither a default nor a value is declared and not set.
  [[nodiscard]] Result<std::string> declare(const Instruction& instruction, const ImageSettings& settings, char escape);

  [[nodiscard]] Lookup lookup(const ImageSettings& settings) const;
  // What a RUN finds in its environment besides the image's: NAME=value. `with_proxies` adds the proxies that were
  // given without being declared; they change no result and are no part of what a step is known by.
  [[nodiscard]] std::vector<std::string> run_variables(const ImageSettings& settings, bool with_proxies) const;

 private:
  const Stages* stages_;
  const Arguments* given_;
  const Arguments* platform_;
  Arguments values_;
  std::size_t bytes_ = 0;  // of the values that were declared
};

// HTTP_PROXY and the like, which need no ARG.
[[nodiscard]] bool is_proxy_argument(const std::string& name);

// Names of --build-arg that no ARG of the Dockerfile declares.
[[nodiscard]] std::vector<std::string> unused_arguments(const Dockerfile& file, const Arguments& given);

}  // namespace mete::runtime::build
