// SPDX-License-Identifier: Apache-2.0
// A seccomp profile as config.json has it, and its compilation.
//
// The compiler is ours and not libseccomp's (which resolves the names of calls): a program of binary searches over the
// ranges of calls with one answer takes 0.2 ms where libseccomp takes 11 to 14 for the profile of docker, so that
// nothing has to be cached, and the kernel's own check of it at load time is as much shorter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/result.h"

namespace mete::runtime::oci {

enum class Compare : std::uint8_t { not_equal, less, less_equal, equal, greater_equal, greater, masked_equal };

struct ArgumentRule {
  unsigned index = 0;  // 0 to 5
  std::uint64_t value = 0;
  std::uint64_t masked_value = 0;  // masked_equal: (argument & value) == masked_value
  Compare compare = Compare::equal;
  bool operator==(const ArgumentRule&) const = default;
};

struct CallRule {
  std::vector<std::string> names;
  std::uint32_t action = 0;             // SECCOMP_RET_* with its data
  std::vector<ArgumentRule> arguments;  // all must hold
  bool operator==(const CallRule&) const = default;
};

struct SeccompProfile {
  std::uint32_t default_action = 0;
  std::vector<std::uint32_t> architectures;  // SCMP_ARCH_*; the machine's own is always one of them
  std::vector<CallRule> rules;               // for one call the first that holds decides; those without arguments last
  std::uint32_t flags = 0;                   // SECCOMP_FILTER_FLAG_*
  std::string listener_path;  // Unix socket to which the notify descriptor goes; empty: nobody is notified
  std::string listener_metadata;
  bool operator==(const SeccompProfile&) const = default;
};

// An array of sock_filter, for Identity::seccomp_filter. A call that no architecture of the profile knows is left out;
// a call by an architecture that is not in the profile kills the thread, as with libseccomp. Fails when the program
// would exceed the kernel's 4096 instructions.
[[nodiscard]] Result<std::string> compile_seccomp(const SeccompProfile& profile);

}  // namespace mete::runtime::oci
