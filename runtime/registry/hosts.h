// SPDX-License-Identifier: Apache-2.0
// Which host is asked for an image, and how: mirrors first, then the registry itself; certificates from certs.d.
#pragma once

#include <string>
#include <vector>

#include "config/model/agent_config.h"
#include "runtime/registry/http.h"
#include "runtime/registry/reference.h"

namespace mete::runtime::registry {

struct Endpoint {
  std::string registry;  // whose logins are told: "docker.io"
  std::string host;      // whom requests go to: "registry-1.docker.io"
  bool plain_allowed = false;
  bool mirror = false;
  bool operator==(const Endpoint&) const = default;
};

// Pure. The error: the policy has blocked the registry; its code is EHOSTUNREACH, as nobody can be asked.
[[nodiscard]] Result<std::vector<Endpoint>> endpoints_of(const std::string& host, const config::RegistryPolicy& policy,
                                                         bool with_mirrors);

// Where certs.d is looked for, the first first. A host's folder has *.crt (authorities), *.cert with *.key (a
// client's).
inline const std::vector<std::string> kCertificateFolders = {"/etc/mete/certs.d", "/etc/containers/certs.d",
                                                             "/etc/docker/certs.d"};
// The error: a certificate without its key, or one that cannot be read.
[[nodiscard]] Result<TlsFiles> tls_files(const std::string& host,
                                         const std::vector<std::string>& folders = kCertificateFolders);

}  // namespace mete::runtime::registry
