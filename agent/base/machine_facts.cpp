// SPDX-License-Identifier: Apache-2.0
#include "agent/base/machine_facts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <memory>

namespace mete::agent {
namespace {

constexpr std::uint32_t kLinkLocal = 0xA9FE0000;  // 169.254.0.0/16
constexpr std::uint32_t kLinkLocalMask = 0xFFFF0000;

// Empty: not an address that others could reach.
std::string address_of(const ifaddrs& at, int family) {
  if (at.ifa_addr == nullptr || at.ifa_addr->sa_family != family) return {};
  if ((at.ifa_flags & IFF_UP) == 0 || (at.ifa_flags & IFF_LOOPBACK) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in*>(at.ifa_addr)->sin_addr;
    if ((ntohl(address.s_addr) & kLinkLocalMask) == kLinkLocal) return {};
    return ::inet_ntop(family, &address, text.data(), text.size()) == nullptr ? "" : text.data();
  }
  const auto& address = reinterpret_cast<const sockaddr_in6*>(at.ifa_addr)->sin6_addr;
  if (IN6_IS_ADDR_LINKLOCAL(&address)) return {};
  return ::inet_ntop(family, &address, text.data(), text.size()) == nullptr ? "" : text.data();
}

std::vector<std::string> read_addresses() {
  std::vector<std::string> found;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return found;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, &::freeifaddrs);
  for (const int family : {AF_INET, AF_INET6}) {
    for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
      if (std::string text = address_of(*at, family); !text.empty()) found.push_back(std::move(text));
    }
  }
  return found;
}

Bytes size_of_disk(const std::string& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) return Bytes(0);
  return Bytes(static_cast<std::int64_t>(info.f_blocks * info.f_frsize));
}

}  // namespace

config::MachineFacts machine_facts(Bytes memory, const std::string& disk, Addresses addresses) {
  constexpr std::int64_t kMilli = 1000;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) name[0] = '\0';
  return {name.data(), addresses == Addresses::kAll ? read_addresses() : std::vector<std::string>(),
          MilliCpu(::sysconf(_SC_NPROCESSORS_ONLN) * kMilli), memory, size_of_disk(disk)};
}

}  // namespace mete::agent
