// SPDX-License-Identifier: Apache-2.0
// The part of HostNetwork that other machines are reached by.
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/network/host_network.h"

namespace mete::runtime::network {
namespace {

bool is_same(const sockaddr& found, const IpAddress& address) {
  if (found.sa_family != (address.v6 ? AF_INET6 : AF_INET)) return false;
  const void* const whole = &found;
  const void* const bytes = address.v6 ? static_cast<const void*>(&static_cast<const sockaddr_in6*>(whole)->sin6_addr)
                                       : static_cast<const void*>(&static_cast<const sockaddr_in*>(whole)->sin_addr);
  return std::memcmp(bytes, address.bytes.data(), address.size()) == 0;
}

}  // namespace

Result<std::uint32_t> mtu_behind(const IpAddress& address) {
  struct ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return fail_errno("list this machine's addresses");
  struct ifreq asked {};
  for (const auto* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr != nullptr && is_same(*each->ifa_addr, address))
      std::strncpy(asked.ifr_name, each->ifa_name, sizeof asked.ifr_name - 1);
  }
  ::freeifaddrs(all);
  if (asked.ifr_name[0] == '\0')
    return fail("address " + config::to_string(address) + ": found no device of this machine that has it");
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid() || ::ioctl(socket.get(), SIOCGIFMTU, &asked) != 0)
    return fail_errno(std::string("read the MTU of ") + asked.ifr_name);
  return static_cast<std::uint32_t>(asked.ifr_mtu);
}

// One of another number or another machine's address is made anew: neither can be changed.
Status HostNetwork::ensure_vxlan(const NetworkSpec& network, int bridge) {
  const std::string device = vxlan_device(network);
  METE_TRY(const auto all, links());
  const auto found = std::find_if(all.begin(), all.end(), [&](const Link& each) { return each.name == device; });
  OverlayLink wanted = *network.overlay;
  wanted.encrypted = false;
  const int link = link_below(network);
  if (is_encrypted(network) && link == 0)
    return fail("network " + network.name + ": found no WireGuard device, expected one, as it is encrypted");
  const bool same = found != all.end() && found->kind == "vxlan" && found->vxlan == wanted && found->vxlan_link == link;
  if (found != all.end() && !same) METE_CHECK(remove(*found));
  std::vector<Message> messages;
  if (same && found->master != bridge) messages.push_back(set_master(found->index, bridge));
  if (!same) {
    std::vector<Message> make;
    make.push_back(make_vxlan(network, bridge, link));
    if (const auto made = links_.request(std::move(make)); !made) {
      Error error = made.error().error;
      if (error.code == EEXIST)
        error.what = "VXLAN " + std::to_string(network.overlay->vni) + " at UDP port " +
                     std::to_string(network.overlay->port) + " belongs to another device already";
      return fail_in("make device " + device, error);
    }
  }
  messages.push_back(
      set_up_vxlan(index_of(device), network.range6.has_value() || !has_v6_, !network.between_containers));
  const auto up = links_.request(std::move(messages));
  return up ? Status() : fail_in("bring up device " + device, up.error().error);
}

int HostNetwork::link_below(const NetworkSpec& network) const {
  return is_encrypted(network) && !tunnel_.empty() ? index_of(tunnel_) : 0;
}

Result<VxlanEntries> HostNetwork::vxlan_entries(const NetworkSpec& network) {
  VxlanEntries entries;
  const int index = index_of(vxlan_device(network));
  if (index == 0) return entries;
  const auto take = [&](const auto& message) { take_entry(message, index, entries); };
  METE_CHECK(links_.dump(list_forward(index), take));
  METE_CHECK(links_.dump(list_neighbours(), take));
  return entries;
}

Status HostNetwork::change_vxlan(const NetworkSpec& network, const VxlanEntries& before, const VxlanEntries& after) {
  const int index = index_of(vxlan_device(network));
  if (index == 0) return fail("network " + network.name + ": found no device " + vxlan_device(network));
  auto messages = change_entries(index, before, after);
  // A few hundred in a datagram: each is answered, and answers wait in a buffer.
  constexpr std::size_t kAtOnce = 256;
  while (!messages.empty()) {
    const auto end = messages.begin() + static_cast<std::ptrdiff_t>(std::min(kAtOnce, messages.size()));
    std::vector<Message> part(std::make_move_iterator(messages.begin()), std::make_move_iterator(end));
    messages.erase(messages.begin(), end);
    const auto changed = links_.request(std::move(part));
    if (!changed && changed.error().error.code != ENOENT)
      return fail_in("tell device " + vxlan_device(network) + " of other machines", changed.error().error);
  }
  return {};
}

}  // namespace mete::runtime::network
