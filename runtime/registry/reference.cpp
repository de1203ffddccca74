// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/reference.h"

#include <arpa/inet.h>

#include "runtime/image/store.h"

namespace mete::runtime::registry {

std::string Reference::whole() const {
  return host + "/" + repository + (digest.empty() ? ":" + tag : "@" + digest);
}

Result<Reference> parse_reference(const std::string& name) {
  METE_TRY(std::string rest, image::normalize_name(name));
  Reference reference;
  if (const auto at = rest.find('@'); at != std::string::npos) {
    reference.digest = rest.substr(at + 1);
    rest.erase(at);
  } else {
    const auto colon = rest.rfind(':');
    reference.tag = rest.substr(colon + 1);
    rest.erase(colon);
  }
  reference.host = kDockerHub;
  const auto slash = rest.find('/');
  if (slash != std::string::npos) {
    const std::string first = rest.substr(0, slash);
    if (first == "localhost" || first.find_first_of(".:") != std::string::npos) {
      reference.host = first;
      rest.erase(0, slash + 1);
    }
  }
  const bool official = reference.host == kDockerHub && rest.find('/') == std::string::npos;
  reference.repository = (official ? "library/" : "") + rest;
  return reference;
}

std::string login_key(const std::string& host) {
  return host == kDockerHub ? "https://index.docker.io/v1/" : host;
}

std::string login_host(std::string server) {
  for (const char* scheme : {"https://", "http://"}) {
    if (server.starts_with(scheme)) server.erase(0, std::string_view(scheme).size());
  }
  server.erase(std::min(server.find('/'), server.size()));
  const bool hub =
      server.empty() || server == "index.docker.io" || server == "registry-1.docker.io" || server == "docker.io";
  return hub ? kDockerHub : server;
}

std::string api_host(const std::string& host) {
  return host == kDockerHub ? "registry-1.docker.io" : host;
}

bool is_loopback(const std::string& host) {
  if (host == "[::1]" || host.starts_with("[::1]:")) return true;
  const std::string name = host.substr(0, host.find(':'));
  if (name == "localhost") return true;
  in_addr address{};
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24U) == 127;
}

}  // namespace mete::runtime::registry
