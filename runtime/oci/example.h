// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace mete::runtime::oci {

// A config.json that runs a shell in all new namespaces, with the rights and masks that docker gives (`spec`).
[[nodiscard]] const char* example_config();

// The same for who is not root: a user namespace in which the caller is root, and nothing that takes more rights.
[[nodiscard]] std::string rootless_example_config(std::uint32_t uid, std::uint32_t gid);

}  // namespace mete::runtime::oci
