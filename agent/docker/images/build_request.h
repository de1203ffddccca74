// SPDX-License-Identifier: Apache-2.0
// POST /build as the words of `mete build`. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/http/http_types.h"
#include "config/base/result.h"

namespace mete::agent::docker {

// For clients of BuildKit's builder.
inline constexpr const char* kNoBuildKit =
    "mete has no BuildKit: build with DOCKER_BUILDKIT=0 in the environment, or with `mete build`";

// The options that the query asks for, without the context. The error names what mete's builder does not do.
[[nodiscard]] Result<std::vector<std::string>> build_words(const HttpRequest& request);

}  // namespace mete::agent::docker
