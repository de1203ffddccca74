// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "config/result.h"

namespace mete::config {

// Standard base64 with padding (RFC 4648); line breaks and blanks between are skipped, as Kubernetes does.
[[nodiscard]] Result<std::string> decode_base64(std::string_view text);

}  // namespace mete::config
