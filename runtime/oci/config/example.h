// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace mete::runtime::oci {

// A config.json that runs a shell in all new namespaces, with the rights and masks that docker gives (`spec`).
[[nodiscard]] const char* example_config();

// The same for a caller without root: a user namespace that maps the caller to root, and nothing that needs more
// rights.
[[nodiscard]] std::string rootless_example_config(std::uint32_t uid, std::uint32_t gid);

}  // namespace mete::runtime::oci
