// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/version.h"

#include <charconv>

namespace mete::agent::docker {

std::string version_text(int version) {
  return "1." + std::to_string(version);
}

Result<VersionedPath> split_version(std::string_view path) {
  VersionedPath split;
  split.path = path;
  if (!path.starts_with("/v") || path.size() < 3 || path[2] < '0' || path[2] > '9') return split;
  const std::string_view number = path.substr(2, path.find('/', 1) - 2);
  const auto dot = number.find('.');
  int major = 0;
  int minor = 0;
  const auto read = [](std::string_view text, int& value) {
    const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
    return !text.empty() && done.ec == std::errc() && done.ptr == text.data() + text.size();
  };
  // What looks like a version and is none is a path that is not known.
  if (dot == std::string_view::npos || !read(number.substr(0, dot), major) || !read(number.substr(dot + 1), minor))
    return split;
  const std::string given(number);
  if (major > 1 || minor > kNewestVersion)
    return fail("client version " + given + " is too new. Maximum supported API version is " +
                version_text(kNewestVersion));
  if (major < 1 || minor < kOldestVersion)
    return fail("client version " + given + " is too old. Minimum supported API version is " +
                version_text(kOldestVersion) + ", please upgrade your client to a newer version");
  split.version = minor;
  split.path = path.substr(number.size() + 2);
  if (split.path.empty()) split.path = "/";
  return split;
}

}  // namespace mete::agent::docker
