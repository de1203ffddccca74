// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/net_devices.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/fd.h"
#include "runtime/file.h"

namespace mete::runtime::oci {
namespace {

// The data after a message's header (NLMSG_DATA needs an old-style cast).
template <class Body>
const Body& body_of(const struct nlmsghdr& message) {
  return *static_cast<const Body*>(static_cast<const void*>(reinterpret_cast<const char*>(&message) + NLMSG_HDRLEN));
}

// A netlink message that grows by attributes.
class Message {
 public:
  template <class Head>
  Message(unsigned type, unsigned flags, const Head& head) {
    struct nlmsghdr header {};
    header.nlmsg_type = static_cast<__u16>(type);
    header.nlmsg_flags = static_cast<__u16>(flags | NLM_F_REQUEST);
    append(&header, sizeof header);
    append(&head, sizeof head);
  }
  void attribute(unsigned type, const void* data, std::size_t size) {
    struct rtattr head {};
    head.rta_type = static_cast<unsigned short>(type);
    head.rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
    append(&head, sizeof head);
    append(data, size);
  }
  [[nodiscard]] const std::string& finish() {
    const auto length = static_cast<__u32>(bytes_.size());
    std::memcpy(bytes_.data(), &length, sizeof length);
    return bytes_;
  }

 private:
  void append(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }
  std::string bytes_;
};

Result<UniqueFd> open_route_socket() {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket.valid()) return fail_errno("open a routing socket");
  return socket;
}

// Sends the request and calls `take` with each message of the answer, until the acknowledgement or the end of the dump.
template <class Take>
Status ask(const UniqueFd& socket, Message message, const std::string& shown, Take take) {
  const std::string& bytes = message.finish();
  if (::send(socket.get(), bytes.data(), bytes.size(), 0) < 0) return fail_errno(shown);
  alignas(struct nlmsghdr) char buffer[32 << 10];
  while (true) {
    const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail_errno(shown);
    auto left = static_cast<unsigned>(got);
    for (auto* each = reinterpret_cast<struct nlmsghdr*>(buffer); NLMSG_OK(each, left); each = NLMSG_NEXT(each, left)) {
      if (each->nlmsg_type == NLMSG_DONE) return {};
      if (each->nlmsg_type == NLMSG_ERROR) {
        const int error = body_of<struct nlmsgerr>(*each).error;
        return error == 0 ? Status() : fail_errno(shown, -error);
      }
      take(*each);
    }
  }
}

constexpr auto kNothing = [](const struct nlmsghdr&) {};

struct Address {
  struct ifaddrmsg head {};
  std::vector<std::pair<unsigned, std::string>> attributes;
};

Result<std::vector<Address>> addresses_of(const UniqueFd& socket, unsigned index, const std::string& shown) {
  std::vector<Address> all;
  const auto take = [&](const struct nlmsghdr& message) {
    const auto* const head = &body_of<struct ifaddrmsg>(message);
    const bool kept = (head->ifa_flags & IFA_F_PERMANENT) != 0 && head->ifa_scope == RT_SCOPE_UNIVERSE;
    if (message.nlmsg_type != RTM_NEWADDR || head->ifa_index != index || !kept) return;
    Address address{*head, {}};
    auto left = static_cast<unsigned>(IFA_PAYLOAD(&message));
    for (const auto* each = IFA_RTA(head); RTA_OK(each, left); each = RTA_NEXT(each, left)) {
      const unsigned type = each->rta_type;
      if (type != IFA_ADDRESS && type != IFA_LOCAL && type != IFA_BROADCAST) continue;
      address.attributes.emplace_back(type, std::string(static_cast<const char*>(RTA_DATA(each)), RTA_PAYLOAD(each)));
    }
    all.push_back(std::move(address));
  };
  METE_CHECK(ask(socket, Message(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}), shown, take));
  return all;
}

// A routing socket and an ordinary socket in another network namespace.
struct Inside {
  UniqueFd route;
  UniqueFd plain;
};

Result<Inside> open_inside_of(const UniqueFd& target) {
  METE_TRY(const UniqueFd own, open_at(AT_FDCWD, "/proc/self/ns/net", O_RDONLY));
  if (::setns(target.get(), CLONE_NEWNET) != 0) return fail_errno("join the container's network namespace");
  auto route = open_route_socket();
  UniqueFd plain(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::setns(own.get(), CLONE_NEWNET) != 0) return fail_errno("return from the container's network namespace");
  if (!route) return tl::unexpected<Error>(std::move(route.error()));
  if (!plain.valid()) return fail_errno("open a socket in the container's network namespace");
  return Inside{std::move(*route), std::move(plain)};
}

Status set_up_inside(const Inside& inside, const NetDevice& device, std::vector<Address> addresses,
                     const std::string& shown) {
  struct ifreq request {};
  std::memcpy(request.ifr_name, device.name.c_str(), device.name.size());
  if (::ioctl(inside.plain.get(), SIOCGIFINDEX, &request) != 0) return fail_errno(shown);
  const int index = request.ifr_ifindex;
  for (auto& address : addresses) {
    address.head.ifa_index = static_cast<unsigned>(index);
    Message message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, address.head);
    for (const auto& [type, value] : address.attributes) message.attribute(type, value.data(), value.size());
    METE_CHECK(ask(inside.route, std::move(message), shown + ": give it its address again", kNothing));
  }
  struct ifinfomsg up {};
  up.ifi_index = index;
  up.ifi_flags = IFF_UP;
  up.ifi_change = IFF_UP;
  return ask(inside.route, Message(RTM_NEWLINK, NLM_F_ACK, up), shown + ": bring it up", kNothing);
}

Status move_one(const UniqueFd& route, const Inside& inside, const UniqueFd& target, const NetDevice& device) {
  const std::string shown = "linux.netDevices: " + device.host_name;
  const unsigned index = ::if_nametoindex(device.host_name.c_str());
  if (index == 0) return fail(shown + ": found no such interface, expected one in the network namespace of the caller");
  METE_TRY(auto addresses, addresses_of(route, index, shown));
  struct ifinfomsg link {};
  link.ifi_index = static_cast<int>(index);
  Message move(RTM_NEWLINK, NLM_F_ACK, link);
  const int fd = target.get();
  move.attribute(IFLA_NET_NS_FD, &fd, sizeof fd);
  move.attribute(IFLA_IFNAME, device.name.c_str(), device.name.size() + 1);
  METE_CHECK(ask(route, std::move(move), shown + ": move it into the container as " + device.name, kNothing));
  return set_up_inside(inside, device, std::move(addresses), shown);
}

}  // namespace

Status move_net_devices(const std::vector<NetDevice>& devices, pid_t container) {
  if (devices.empty()) return {};
  METE_TRY(const UniqueFd target, open_at(AT_FDCWD, "/proc/" + std::to_string(container) + "/ns/net", O_RDONLY));
  METE_TRY(const UniqueFd route, open_route_socket());
  METE_TRY(const Inside inside, open_inside_of(target));
  for (const auto& device : devices) METE_CHECK(move_one(route, inside, target, device));
  return {};
}

}  // namespace mete::runtime::oci
