// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::config {

// Decodes standard base64 with padding (RFC 4648). Line breaks and blanks are skipped, as in Kubernetes.
[[nodiscard]] Result<std::string> decode_base64(std::string_view text);

}  // namespace mete::config
