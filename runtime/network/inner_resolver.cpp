// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/inner_resolver.h"

#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "runtime/network/network_visit.h"
#include "runtime/network/rule_words.h"

namespace mete::runtime::network {
namespace {

using namespace rule_words;

constexpr const char* kTable = "mete-names";
constexpr std::uint32_t kSourcePort = 0;
constexpr std::uint32_t kChecksumOfUdp = 6;
// Questions change before the kernel looks at connections, answers afterwards: who tracks them sees one port.
constexpr std::int32_t kLast = 300;

Expressions of_udp(std::uint32_t address, std::uint32_t port, std::uint16_t number) {
  return {Meta{NFT_META_L4PROTO, 0},
          Compare{0, true, byte(IPPROTO_UDP)},
          Payload{NFT_PAYLOAD_NETWORK_HEADER, address, 4, 0},
          Compare{0, true, bytes_of(kInnerResolver)},
          Payload{NFT_PAYLOAD_TRANSPORT_HEADER, port, 2, 0},
          Compare{0, true, big16(number)}};
}

Expressions write_port(std::uint32_t port, std::uint16_t number) {
  return {nft::Value{0, big16(number)}, nft::Rewrite{NFT_PAYLOAD_TRANSPORT_HEADER, port, 2, kChecksumOfUdp, 0}};
}

Result<UniqueFd> bound_socket() {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in own{};
  own.sin_family = AF_INET;
  std::memcpy(&own.sin_addr, kInnerResolver.bytes.data(), sizeof own.sin_addr);
  auto* const address = static_cast<sockaddr*>(static_cast<void*>(&own));
  if (!socket.valid() || ::bind(socket.get(), address, sizeof own) != 0)
    return fail_errno("answer names on " + to_string(kInnerResolver) + " of a container");
  return socket;
}

Result<std::uint16_t> port_of(int socket) {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  if (::getsockname(socket, static_cast<sockaddr*>(static_cast<void*>(&own)), &size) != 0)
    return fail_errno("read the port of a resolver in a container");
  return ntohs(own.sin_port);
}

}  // namespace

std::vector<Message> inner_resolver_rules(std::uint16_t port) {
  nft::Table table;
  table.family = NFPROTO_IPV4;
  table.name = kTable;
  table.chains = {{"questions", nft::Hook{NF_INET_LOCAL_OUT, kRaw}},
                  {"answers", nft::Hook{NF_INET_POST_ROUTING, kLast}}};
  table.rules = {
      {"questions", of_udp(kDestination4, kPortOffset, kDomainPort) + write_port(kPortOffset, port)},
      {"answers", of_udp(kSource4, kSourcePort, port) + write_port(kSourcePort, kDomainPort)},
  };
  return nft::replace(table);
}

Result<UniqueFd> open_inner_resolver(int space) {
  METE_TRY(const NetworkVisit visit, NetworkVisit::enter(space));
  METE_TRY(auto socket, bound_socket());
  METE_TRY(const auto port, port_of(socket.get()));
  METE_TRY(auto rules, NetlinkSocket::open(NETLINK_NETFILTER));
  if (auto written = rules.transact(inner_resolver_rules(port)); !written)
    return fail_in("lead port 53 of " + to_string(kInnerResolver) + " to the agent", written.error().error);
  return socket;
}

}  // namespace mete::runtime::network
