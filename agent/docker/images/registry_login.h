// SPDX-License-Identifier: Apache-2.0
// X-Registry-Auth: base64url of {"username","password","serveraddress"}. Pure.
#pragma once

#include <string>

#include "config/base/result.h"

namespace mete::agent::docker {

// The same in the form of docker's config.json, which the puller takes; empty: the client has no login.
[[nodiscard]] Result<std::string> login_of(const std::string& header);

[[nodiscard]] std::string encode_base64(const std::string& bytes);  // with padding

}  // namespace mete::agent::docker
