// SPDX-License-Identifier: Apache-2.0
// Versions of the Docker Engine API. Pure.
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::agent::docker {

inline constexpr int kOldestVersion = 24;  // 1.24
inline constexpr int kNewestVersion = 51;

// The version of docker's engine that mete answers as; clients compare it (cAdvisor wants 1.0.0 at least). mete's own
// is among the Components of GET /version.
inline constexpr const char* kEngineVersion = "28.3.0+mete";

// A request's path: "/v1.41/containers/json" -> 41 and "/containers/json". Without a version it is the newest.
struct VersionedPath {
  int version = kNewestVersion;
  std::string path;
};

// The error: the version is none that is spoken here, in the words of docker's engine.
[[nodiscard]] Result<VersionedPath> split_version(std::string_view path);

// "1.51"
[[nodiscard]] std::string version_text(int version);

}  // namespace mete::agent::docker
