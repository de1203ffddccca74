// SPDX-License-Identifier: Apache-2.0
// The platforms that clients name: "linux/arm64", "arm64/v8", "linux". Pure.
#pragma once

#include <string>

#include "config/base/result.h"

namespace mete::agent::docker {

struct Platform {
  std::string system;        // "linux"
  std::string architecture;  // Go's name: "amd64"
};
[[nodiscard]] std::string to_text(const Platform& platform);  // "linux/amd64"

// Of a request: what it leaves out is this machine's. The error has the words of docker's client.
[[nodiscard]] Result<Platform> parse_platform(const std::string& text, const std::string& architecture);

}  // namespace mete::agent::docker
