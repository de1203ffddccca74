// SPDX-License-Identifier: Apache-2.0
// The rights of the calling process.
#pragma once

#include <cstdint>
#include <string>

namespace mete::runtime::oci {

// Bits of the capabilities that this process holds.
[[nodiscard]] std::uint64_t own_capabilities();

// `flag` is the value of --rootless. auto: true unless the caller is root in the initial user namespace.
[[nodiscard]] bool is_rootless(const std::string& flag);

// $XDG_RUNTIME_DIR, or its usual path for the caller's user.
[[nodiscard]] std::string runtime_directory();

// The state directory without --root: /run/mete-oci for root, $XDG_RUNTIME_DIR/mete-oci for other users.
[[nodiscard]] std::string default_root();

}  // namespace mete::runtime::oci
