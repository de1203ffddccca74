// SPDX-License-Identifier: Apache-2.0
// The key by which a machine encrypts what it sends to others: made once, and kept in a file that root alone reads. The
// other machines learn the public part.
#pragma once

#include <string>

#include "config/base/result.h"
#include "runtime/network/wireguard.h"

namespace mete::agent {

struct OverlayKey {
  runtime::network::TunnelKey secret{};  // goes to the kernel alone
  runtime::network::TunnelKey public_key{};
};

// That of the file, or a new one, which is in the file then (mode 0600, base64 in a line, as `wg genkey` writes it).
// The error: the file cannot be read, or has something else in it, which stays there.
[[nodiscard]] Result<OverlayKey> read_or_make_key(const std::string& path);

// X25519 (RFC 7748).
[[nodiscard]] Result<runtime::network::TunnelKey> public_key_of(const runtime::network::TunnelKey& secret);

}  // namespace mete::agent
