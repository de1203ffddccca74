// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/nfs_mount.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace mete::runtime::storage {
namespace {

constexpr const char* kVersions[] = {"4.2", "4.1", "4.0"};
// In tenths of a second, and how often a request is sent again (nfs(5)).
constexpr const char* kNfsPatience = "soft,timeo=100,retrans=2";

bool is_v6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

std::string hint_of(int code) {
  switch (code) {
    case ENODEV:
      return " (this kernel has no NFS client: the module nfsv4 is missing)";
    case EPROTONOSUPPORT:
      return " (the server has no NFS version 4)";
    case EACCES:
    case EPERM:
      return " (the server does not export it to this machine)";
    default:
      return {};
  }
}

}  // namespace

std::vector<MountRequest> nfs_requests(const config::NfsVolume& volume, const std::string& address) {
  // A name with colons is an address, which stands in brackets before the path.
  const std::string host =
      is_v6(volume.server) && !volume.server.starts_with('[') ? "[" + volume.server + "]" : volume.server;
  std::vector<MountRequest> requests;
  for (const char* version : kVersions) {
    MountRequest request{.type = "nfs4", .source = host + ":" + volume.path};
    if (volume.read_only) request.flags |= MS_RDONLY;
    request.options = std::string("vers=") + version + ",proto=" + (is_v6(address) ? "tcp6" : "tcp") + "," +
                      kNfsPatience + ",addr=" + address;
    requests.push_back(std::move(request));
  }
  return requests;
}

bool is_refused_version(int code) {
  return code == EPROTONOSUPPORT || code == EINVAL;
}

Result<std::vector<std::string>> addresses_of(const std::string& server) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(server.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  if (failed != 0) return fail("server " + server + ": " + ::gai_strerror(failed));
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      addresses.emplace_back(text);
  }
  if (addresses.empty()) return fail("server " + server + ": found no address");
  return addresses;
}

Status mount_nfs(const config::NfsVolume& volume, const std::string& target) {
  // By an agent that has ended since.
  struct stat own {};
  struct stat parent {};
  if (::stat(target.c_str(), &own) == 0 && ::stat((target + "/..").c_str(), &parent) == 0 &&
      own.st_dev != parent.st_dev)
    return {};
  METE_TRY(const auto addresses, addresses_of(volume.server));
  int code = 0;
  for (const auto& address : addresses) {
    for (const auto& request : nfs_requests(volume, address)) {
      if (::mount(request.source.c_str(), target.c_str(), request.type.c_str(), request.flags,
                  request.options.c_str()) == 0)
        return {};
      code = errno;
      if (!is_refused_version(code)) break;
    }
    // Another address of the server answers perhaps; whatever the kernel lacks it lacks for all.
    if (code == ENODEV) break;
  }
  Error error{code, "mount nfs " + volume.server + ":" + volume.path + ": " + std::strerror(code) + hint_of(code)};
  return tl::unexpected(std::move(error));
}

}  // namespace mete::runtime::storage
