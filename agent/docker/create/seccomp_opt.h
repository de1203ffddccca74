// SPDX-License-Identifier: Apache-2.0
// --security-opt seccomp=...: the profile that a docker client sends, whole and in docker's own form. That is the form
// of a config.json with rules for some machines, kernels and capabilities (moby, profiles/seccomp/seccomp.go). Pure.
#pragma once

#include <cstdint>
#include <string>

#include "agent/docker/fields.h"
#include "config/base/result.h"

namespace mete::agent::docker {

// Of HostConfig.SecurityOpt: the text of a profile. Empty: none is given, "unconfined" or "builtin".
[[nodiscard]] std::string seccomp_text_of(const Json& host);
// "seccomp=unconfined"; with several the last counts, as with docker.
[[nodiscard]] bool is_seccomp_unconfined(const Json& host);

// What the rules of a profile are chosen by.
struct SeccompSubject {
  std::string architecture;  // as docker names it: "amd64"
  unsigned kernel_major = 0;
  unsigned kernel_minor = 0;
  std::uint64_t capabilities = 0;  // that the container has, a bit each
};

// The profile as a config.json has it, with the rules that are for this container. Error, in docker's words where it
// has some: no JSON, both forms of a name or of architectures, a capability or an action that does not exist.
[[nodiscard]] Result<std::string> seccomp_profile(const std::string& text, const SeccompSubject& subject);

}  // namespace mete::agent::docker
