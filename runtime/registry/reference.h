// SPDX-License-Identifier: Apache-2.0
// Where a name of an image leads: the registry, the repository in it, and the tag or digest. Pure.
#pragma once

#include <string>

#include "config/base/result.h"

namespace mete::runtime::registry {

inline constexpr const char* kDockerHub = "docker.io";

struct Reference {
  std::string host;        // "docker.io", "localhost:5000"
  std::string repository;  // "library/busybox"
  std::string tag;         // empty: there is a digest
  std::string digest;      // "sha256:..."; empty: there is a tag

  // What a request names: the digest, or the tag.
  [[nodiscard]] const std::string& target() const { return digest.empty() ? tag : digest; }
  // As docker shows it: "docker.io/library/busybox:latest"
  [[nodiscard]] std::string whole() const;
  bool operator==(const Reference&) const = default;
};

// Docker's rule: the part before the first '/' is a registry when it has a '.' or a ':' or is "localhost"; a name
// without one is Docker Hub's, where a name without '/' is in "library".
[[nodiscard]] Result<Reference> parse_reference(const std::string& name);

// "sha256:ab" -> "ab"
[[nodiscard]] inline std::string hex_of_digest(const std::string& digest) {
  return digest.substr(digest.find(':') + 1);
}

// The key of a registry in docker's config.json: "https://index.docker.io/v1/" for Docker Hub.
[[nodiscard]] std::string login_key(const std::string& host);
// What the user of `mete login` may give: "https://host/v1/" is "host"; nothing is Docker Hub.
[[nodiscard]] std::string login_host(std::string server);
// Whom requests go to: Docker Hub answers under another name.
[[nodiscard]] std::string api_host(const std::string& host);
// localhost, 127.0.0.0/8 and ::1, with or without a port: what docker and others use without TLS.
[[nodiscard]] bool is_loopback(const std::string& host);

}  // namespace mete::runtime::registry
