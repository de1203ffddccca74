// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/net_devices.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/fd.h"
#include "runtime/file.h"
#include "runtime/network/netlink.h"
#include "runtime/network/network_visit.h"

namespace mete::runtime::oci {
namespace {

using network::Message;
using network::NetlinkSocket;

Status ask(NetlinkSocket& socket, Message message, const std::string& shown) {
  std::vector<Message> one;
  one.push_back(std::move(message));
  const auto done = socket.request(std::move(one));
  return done ? Status() : fail_in(shown, done.error().error);
}

struct Address {
  struct ifaddrmsg head {};
  std::vector<std::pair<unsigned, std::string>> attributes;
};

Result<std::vector<Address>> addresses_of(NetlinkSocket& socket, unsigned index, const std::string& shown) {
  std::vector<Address> all;
  const auto take = [&](const struct nlmsghdr& message) {
    const std::string_view body = network::body_of(message);
    constexpr std::size_t kHead = NLMSG_ALIGN(sizeof(struct ifaddrmsg));
    if (message.nlmsg_type != RTM_NEWADDR || body.size() < kHead) return;
    Address address;
    std::memcpy(&address.head, body.data(), sizeof address.head);
    const bool kept = (address.head.ifa_flags & IFA_F_PERMANENT) != 0 && address.head.ifa_scope == RT_SCOPE_UNIVERSE;
    if (address.head.ifa_index != index || !kept) return;
    for (const auto& each : network::attributes_in(body.substr(kHead))) {
      if (each.type != IFA_ADDRESS && each.type != IFA_LOCAL && each.type != IFA_BROADCAST) continue;
      address.attributes.emplace_back(each.type, std::string(each.data));
    }
    all.push_back(std::move(address));
  };
  const auto listed = socket.dump(Message(RTM_GETADDR, 0, ifaddrmsg{}), take);
  if (!listed) return fail_in(shown, listed.error());
  return all;
}

// A routing socket and an ordinary socket in another network namespace.
struct Inside {
  NetlinkSocket route;
  UniqueFd plain;
};

Result<Inside> open_inside_of(const UniqueFd& target) {
  METE_TRY(const network::NetworkVisit visit, network::NetworkVisit::enter(target.get()));
  METE_TRY(auto route, NetlinkSocket::open(NETLINK_ROUTE));
  UniqueFd plain(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!plain.valid()) return fail_errno("open a socket in the container's network namespace");
  return Inside{std::move(route), std::move(plain)};
}

Status set_up_inside(Inside& inside, const NetDevice& device, std::vector<Address> addresses,
                     const std::string& shown) {
  struct ifreq request {};
  std::memcpy(request.ifr_name, device.name.c_str(), device.name.size());
  if (::ioctl(inside.plain.get(), SIOCGIFINDEX, &request) != 0) return fail_errno(shown);
  const int index = request.ifr_ifindex;
  for (auto& address : addresses) {
    address.head.ifa_index = static_cast<unsigned>(index);
    Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address.head);
    for (const auto& [type, value] : address.attributes) message.add_bytes(type, value);
    METE_CHECK(ask(inside.route, std::move(message), shown + ": give it its address again"));
  }
  struct ifinfomsg up {};
  up.ifi_index = index;
  up.ifi_flags = IFF_UP;
  up.ifi_change = IFF_UP;
  return ask(inside.route, Message(RTM_NEWLINK, 0, up), shown + ": bring it up");
}

Status move_one(NetlinkSocket& route, Inside& inside, const UniqueFd& target, const NetDevice& device) {
  const std::string shown = "linux.netDevices: " + device.host_name;
  const unsigned index = ::if_nametoindex(device.host_name.c_str());
  if (index == 0) return fail(shown + ": found no such interface, expected one in the network namespace of the caller");
  METE_TRY(auto addresses, addresses_of(route, index, shown));
  struct ifinfomsg link {};
  link.ifi_index = static_cast<int>(index);
  Message move(RTM_NEWLINK, 0, link);
  move.add_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(target.get()));
  move.add_text(IFLA_IFNAME, device.name);
  METE_CHECK(ask(route, std::move(move), shown + ": move it into the container as " + device.name));
  return set_up_inside(inside, device, std::move(addresses), shown);
}

}  // namespace

Status move_net_devices(const std::vector<NetDevice>& devices, pid_t container) {
  if (devices.empty()) return {};
  METE_TRY(const UniqueFd target, open_at(AT_FDCWD, "/proc/" + std::to_string(container) + "/ns/net", O_RDONLY));
  METE_TRY(NetlinkSocket route, NetlinkSocket::open(NETLINK_ROUTE));
  METE_TRY(Inside inside, open_inside_of(target));
  for (const auto& device : devices) METE_CHECK(move_one(route, inside, target, device));
  return {};
}

}  // namespace mete::runtime::oci
