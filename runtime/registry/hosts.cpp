// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/hosts.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "runtime/file.h"

namespace mete::runtime::registry {
namespace {

bool among(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

Result<std::vector<Endpoint>> endpoints_of(const std::string& host, const config::RegistryPolicy& policy,
                                           bool with_mirrors) {
  if (among(policy.blocked, host) || among(policy.blocked, "*"))
    return tl::unexpected(Error{EHOSTUNREACH, "registry " + host + ": found it in `registries.blocked` of agent.yaml"});
  const auto plain = [&](const std::string& name) { return is_loopback(name) || among(policy.insecure, name); };
  std::vector<Endpoint> list;
  for (const auto& mirror : policy.mirrors) {
    if (!with_mirrors || mirror.registry != host) continue;
    for (const std::string& name : mirror.hosts) list.push_back({name, api_host(name), plain(name), true});
  }
  list.push_back({host, api_host(host), plain(host), false});
  return list;
}

Result<TlsFiles> tls_files(const std::string& host, const std::vector<std::string>& folders) {
  TlsFiles files;
  for (const std::string& folder : folders) {
    std::error_code error;
    std::vector<std::string> paths;
    for (std::filesystem::directory_iterator at(folder + "/" + host, error), end; !error && at != end;
         at.increment(error)) {
      paths.push_back(at->path());
    }
    std::sort(paths.begin(), paths.end());
    for (const std::string& path : paths) {
      if (path.ends_with(".crt")) {
        METE_TRY(const std::string text, read_file(AT_FDCWD, path, 1U << 20U));
        files.authorities += text + "\n";
      } else if (path.ends_with(".cert") && files.certificate.empty()) {
        files.certificate = path;
        files.key = path.substr(0, path.size() - 5) + ".key";
        if (::access(files.key.c_str(), R_OK) != 0) return fail_errno(path + ": found no key " + files.key);
      }
    }
    if (!paths.empty()) return files;
  }
  return files;
}

}  // namespace mete::runtime::registry
