// SPDX-License-Identifier: Apache-2.0
// Sizes and times in docker's words. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mete::agent::cli {

[[nodiscard]] std::string docker_size(std::int64_t bytes, int digits = 3);      // "4.26MB", in powers of 1000
[[nodiscard]] std::string docker_duration(std::chrono::seconds since);          // "About an hour", "2 weeks"
[[nodiscard]] std::string docker_since(std::chrono::system_clock::time_point);  // "2 weeks ago"; the epoch: "N/A"

}  // namespace mete::agent::cli
