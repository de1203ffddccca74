// SPDX-License-Identifier: Apache-2.0
// The reader of seccomp profiles (config-linux.md, Seccomp): in a config.json, and in a file of its own, as pods name
// it (seccompProfile, Localhost).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/oci/config/seccomp_profile.h"

namespace mete::runtime::oci {

class Node;

// Empty: there is none. Problems are recorded at the node.
[[nodiscard]] std::optional<SeccompProfile> read_seccomp(const Node& seccomp);

// A profile as the `seccomp` object of a config.json: read_seccomp() gives the same profile.
[[nodiscard]] std::string seccomp_text(const SeccompProfile& profile);

// `name` stands in errors: text that is no profile, SCMP_ACT_NOTIFY.
[[nodiscard]] Result<SeccompProfile> read_seccomp_file(std::string_view text, const std::string& name);

// For Identity: seccomp_filter and seccomp_flags.
struct SeccompFilter {
  std::string program;
  std::uint32_t flags = 0;
};

// The errors of read_seccomp_file(), and of a program that is too long.
[[nodiscard]] Result<SeccompFilter> compile_seccomp_file(std::string_view text, const std::string& name);

}  // namespace mete::runtime::oci
