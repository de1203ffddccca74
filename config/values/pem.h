// SPDX-License-Identifier: Apache-2.0
// Certificates in PEM (RFC 7468).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::config {

// The bytes (DER) of each certificate, as the API server checks them in a ClusterTrustBundle: blocks of certificates
// alone, without headers, and blanks between them. What the bytes say is not looked at beyond their outermost length.
// The error says what is found, and at which block.
[[nodiscard]] Result<std::vector<std::string>> parse_certificates(std::string_view text);

// One block, as OpenSSL and Go write it: lines of 64 characters.
[[nodiscard]] std::string certificate_text(std::string_view der);

}  // namespace mete::config
