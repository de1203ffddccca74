// SPDX-License-Identifier: Apache-2.0
// What we ourselves may do.
#pragma once

#include <cstdint>
#include <string>

namespace mete::runtime::oci {

// Bits of the capabilities we hold.
[[nodiscard]] std::uint64_t own_capabilities();

// Does the kernel have AppArmor, and is it on?
[[nodiscard]] bool has_apparmor();

// `flag` is --rootless. auto: not root, or root of a user namespace only.
[[nodiscard]] bool is_rootless(const std::string& flag);

// $XDG_RUNTIME_DIR, or what it is for a user of ours.
[[nodiscard]] std::string runtime_directory();

// Where state is kept without --root: /run/mete-oci, or who is not root $XDG_RUNTIME_DIR/mete-oci.
[[nodiscard]] std::string default_root();

}  // namespace mete::runtime::oci
