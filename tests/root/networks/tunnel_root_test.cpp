// SPDX-License-Identifier: Apache-2.0
// WireGuard as this kernel has it, between two network namespaces of the test's own. A kernel without it has one case.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/file.h"
#include "runtime/network/host_network.h"
#include "runtime/network/network_visit.h"

namespace mete::runtime::network {
namespace {

IpAddress ip(const char* text) {
  return config::parse_ip(text).value();
}

TunnelKey key_of(const std::string& hex) {
  TunnelKey key{};
  for (std::size_t i = 0; i < key.size(); ++i)
    key[i] = static_cast<std::uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  return key;
}

// Two pairs of keys (RFC 7748, section 6.1).
Tunnel tunnel_of(bool first) {
  Tunnel tunnel;
  tunnel.device = tunnel_device("mete");
  tunnel.key = key_of(first ? "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
                            : "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  tunnel.public_key = key_of(first ? "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
                                   : "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  tunnel.port = 14789;
  tunnel.address = tunnel_address(first ? "00000000000000a1" : "00000000000000a2").value();
  tunnel.mtu = 1420;
  return tunnel;
}

TunnelPeers peers_of(bool first) {
  return {{tunnel_of(first).public_key, {ip(first ? "192.0.2.1" : "192.0.2.2"), 14789, tunnel_of(first).address}}};
}

// A namespace that is a machine; the thread is in it while `visit` lives.
struct Machine {
  UniqueFd file;
  std::optional<HostNetwork> host;
};

class TunnelOfKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: makes network namespaces";
    for (auto* each : {&one_, &two_}) make(*each);
    if (HasFatalFailure()) return;
    const auto visit = enter(one_);
    std::vector<Message> cable;
    cable.push_back(make_veth({"cable", 0, 1500, {2, 0, 0, 0, 0, 1}, two_.file.get(), "cable"}));
    const auto made = links()->request(std::move(cable));
    ASSERT_TRUE(made) << made.error().error.what;
    plug("192.0.2.1");
    const auto other = enter(two_);
    plug("192.0.2.2");
  }

  static void make(Machine& machine) {
    const auto visit = NetworkVisit::make();
    ASSERT_TRUE(visit.has_value()) << visit.error().what;
    auto file = open_at(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY);
    ASSERT_TRUE(file.has_value());
    machine.file = std::move(*file);
    auto host = HostNetwork::open();
    ASSERT_TRUE(host.has_value()) << host.error().what;
    machine.host.emplace(std::move(*host));
  }

  static NetworkVisit enter(const Machine& machine) { return NetworkVisit::enter(machine.file.get()).value(); }
  static Result<NetlinkSocket> links() { return NetlinkSocket::open(NETLINK_ROUTE); }

  static void plug(const char* address) {
    std::vector<Message> up;
    up.push_back(add_address(index_of("cable"), ip(address), 24));
    up.push_back(set_up("cable", 0, {.link_local = true}));
    up.push_back(set_up({}, kLoopbackIndex, {.link_local = true}));
    const auto done = links()->request(std::move(up));
    ASSERT_TRUE(done) << done.error().error.what;
  }

  // False: this kernel has none, and the case is skipped.
  bool ensured(Machine& machine, bool first) {
    const auto made = machine.host->ensure_tunnel(tunnel_of(first));
    if (!made && made.error().code == EOPNOTSUPP) return false;
    EXPECT_TRUE(made.has_value()) << made.error().what;
    return true;
  }

  static UniqueFd datagrams(const IpAddress& own) {
    UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address = socket_of(own);
    EXPECT_EQ(::bind(socket.get(), static_cast<sockaddr*>(static_cast<void*>(&address)), sizeof address), 0)
        << std::strerror(errno);
    const timeval patience{10, 0};
    EXPECT_EQ(::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return socket;
  }
  static sockaddr_in6 socket_of(const IpAddress& address) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(4789);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), address.size());
    return v6;
  }
  // 0, or why it was not sent.
  static int send(const UniqueFd& socket, const IpAddress& to) {
    sockaddr_in6 address = socket_of(to);
    const auto sent =
        ::sendto(socket.get(), "ping", 4, 0, static_cast<sockaddr*>(static_cast<void*>(&address)), sizeof address);
    return sent == 4 ? 0 : errno;
  }
  static std::string received(const UniqueFd& socket) {
    char text[16];
    const auto got = ::recv(socket.get(), text, sizeof text, 0);
    return got < 0 ? std::strerror(errno) : std::string(text, static_cast<std::size_t>(got));
  }

  static std::string wrong_with(Machine& machine, bool first) {
    const auto found = machine.host->check_tunnel(tunnel_of(first));
    return found ? *found : "error: " + found.error().what;
  }

  Machine one_, two_;
};

TEST_F(TunnelOfKernel, AKernelWithoutItSaysSo) {
  const auto visit = enter(one_);
  const auto made = one_.host->ensure_tunnel(tunnel_of(true));
  if (made) GTEST_SKIP() << "this kernel has WireGuard";
  EXPECT_EQ(made.error().code, EOPNOTSUPP);
  EXPECT_NE(made.error().what.find("found a kernel without WireGuard"), std::string::npos) << made.error().what;
  EXPECT_EQ(index_of(tunnel_device("mete")), 0);
  EXPECT_TRUE(one_.host->remove_tunnel(tunnel_device("mete")).has_value());
}

TEST_F(TunnelOfKernel, IsTakenOverWithItsPeers) {
  const auto visit = enter(one_);
  if (!ensured(one_, true)) GTEST_SKIP() << "this kernel has no WireGuard";
  EXPECT_EQ(wrong_with(one_, true), "");
  EXPECT_TRUE(one_.host->set_peers(tunnel_of(true), {}, peers_of(false)).value());
  EXPECT_FALSE(one_.host->set_peers(tunnel_of(true), {}, peers_of(false)).value());
  const int index = index_of(tunnel_device("mete"));
  // By the next agent.
  auto again = HostNetwork::open();
  ASSERT_TRUE(again.has_value());
  ASSERT_TRUE(again->ensure_tunnel(tunnel_of(true)).has_value());
  EXPECT_EQ(index_of(tunnel_device("mete")), index);
  EXPECT_FALSE(again->set_peers(tunnel_of(true), {}, peers_of(false)).value());
  // Another key is a change that is seen, and so is an address that is gone.
  EXPECT_NE(wrong_with(one_, false), "");
  ASSERT_TRUE(again->ensure_tunnel(tunnel_of(false)).has_value());
  EXPECT_EQ(wrong_with(one_, false), "");
  // Its own key is no peer's any more.
  EXPECT_TRUE(again->set_peers(tunnel_of(false), {}, peers_of(true)).value());
  EXPECT_TRUE(again->set_peers(tunnel_of(false), {}, {}).value());
  ASSERT_TRUE(again->remove_tunnel(tunnel_device("mete")).has_value());
  EXPECT_EQ(wrong_with(one_, true), "device " + tunnel_device("mete") + " was removed");
}

TEST_F(TunnelOfKernel, MachinesReachEachOtherByTheirKeys) {
  UniqueFd first;
  UniqueFd second;
  {
    const auto visit = enter(one_);
    if (!ensured(one_, true)) GTEST_SKIP() << "this kernel has no WireGuard";
    ASSERT_TRUE(one_.host->set_peers(tunnel_of(true), {}, peers_of(false)).has_value());
    first = datagrams(tunnel_of(true).address);
  }
  {
    const auto visit = enter(two_);
    ASSERT_TRUE(ensured(two_, false));
    ASSERT_TRUE(two_.host->set_peers(tunnel_of(false), {}, peers_of(true)).has_value());
    second = datagrams(tunnel_of(false).address);
  }
  EXPECT_EQ(send(first, tunnel_of(false).address), 0);
  EXPECT_EQ(received(second), "ping");
  // A peer that is known no more is not sent to.
  const auto visit = enter(one_);
  ASSERT_TRUE(one_.host->set_peers(tunnel_of(true), {}, {}).has_value());
  EXPECT_NE(send(first, tunnel_of(false).address), 0);
}

TEST_F(TunnelOfKernel, NothingLeavesByAnotherWay) {
  const auto visit = enter(one_);
  if (!ensured(one_, true)) GTEST_SKIP() << "this kernel has no WireGuard";
  std::vector<Message> messages;
  messages.push_back(add_address(index_of("cable"), ip("2001:db8::1"), 64));
  messages.push_back(add_default_route(index_of("cable"), ip("2001:db8::2")));
  ASSERT_TRUE(links()->request(std::move(messages)));
  const auto socket = datagrams(ip("2001:db8::1"));
  EXPECT_EQ(send(socket, ip("2001:db8:1::1")), 0) << "there is a way out";
  std::vector<Message> down;
  down.push_back(set_down(index_of(tunnel_device("mete"))));
  ASSERT_TRUE(links()->request(std::move(down)));
  EXPECT_EQ(wrong_with(one_, true), "device " + tunnel_device("mete") + " was taken down");
  EXPECT_EQ(send(socket, tunnel_of(false).address), EHOSTUNREACH);
  ASSERT_TRUE(one_.host->ensure_tunnel(tunnel_of(true)).has_value());
  EXPECT_EQ(wrong_with(one_, true), "");
  // With the tunnel the route that refuses goes, too.
  ASSERT_TRUE(one_.host->remove_tunnel(tunnel_device("mete")).has_value());
  EXPECT_EQ(send(socket, tunnel_of(false).address), 0);
}

TEST_F(TunnelOfKernel, VxlanSendsByItAlone) {
  const auto visit = enter(one_);
  if (!ensured(one_, true)) GTEST_SKIP() << "this kernel has no WireGuard";
  NetworkSpec network;
  network.name = "secret";
  network.device = "mtb00000001";
  network.driver = Driver::kOverlay;
  network.range = config::parse_range("10.91.0.0/24").value();
  network.mtu = 1350;
  network.overlay = OverlayLink{7143424, tunnel_of(true).address, 4789, true};
  const auto bridge = one_.host->ensure_bridge(network);
  ASSERT_TRUE(bridge.has_value()) << bridge.error().what;
  const int below = index_of(tunnel_device("mete"));
  EXPECT_EQ(one_.host->link_below(network), below);
  const int device = index_of(vxlan_device(network));
  ASSERT_TRUE(one_.host->ensure_bridge(network).has_value());
  EXPECT_EQ(index_of(vxlan_device(network)), device) << "it was made again";
  const RemoteEntries remote = {{{2, 0x6d, 10, 91, 0, 3}, tunnel_of(false).address, ip("10.91.0.3")}};
  const auto wanted = entries_of(remote, below);
  ASSERT_TRUE(one_.host->change_vxlan(network, {}, wanted).has_value());
  EXPECT_EQ(one_.host->vxlan_entries(network).value(), wanted);
  // An entry by any way is not the same, and is replaced.
  ASSERT_TRUE(one_.host->change_vxlan(network, wanted, entries_of(remote, 0)).has_value());
  EXPECT_NE(one_.host->vxlan_entries(network).value(), wanted);
  ASSERT_TRUE(one_.host->change_vxlan(network, one_.host->vxlan_entries(network).value(), wanted).has_value());
  EXPECT_EQ(one_.host->vxlan_entries(network).value(), wanted);
  // The device ends with the one below.
  ASSERT_TRUE(one_.host->remove_tunnel(tunnel_device("mete")).has_value());
  EXPECT_EQ(index_of(vxlan_device(network)), 0);
}

TEST_F(TunnelOfKernel, APortThatIsTakenIsOneSentence) {
  const auto visit = enter(one_);
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in taken{};
  taken.sin_family = AF_INET;
  taken.sin_port = htons(14789);
  ASSERT_EQ(::bind(socket.get(), static_cast<sockaddr*>(static_cast<void*>(&taken)), sizeof taken), 0);
  const auto made = one_.host->ensure_tunnel(tunnel_of(true));
  ASSERT_FALSE(made.has_value());
  if (made.error().code == EOPNOTSUPP) GTEST_SKIP() << "this kernel has no WireGuard";
  EXPECT_NE(made.error().what.find("UDP port 14789: found it in use"), std::string::npos) << made.error().what;
}

}  // namespace
}  // namespace mete::runtime::network
