// SPDX-License-Identifier: Apache-2.0
// What WireGuard is told of other machines, and the rules that keep everything else out of encrypted networks.
#include "runtime/network/wireguard.h"

#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/wireguard.h>

#include <algorithm>

#include "runtime/network/rules.h"
#include "runtime/network/underlay.h"
#include "tests/support/addresses.h"

namespace mete::runtime::network {
namespace {

using Does = PeerChange::Does;
using std::chrono::seconds;

TunnelKey key(std::uint8_t first) {
  TunnelKey key{};
  key.fill(7);
  key[0] = first;
  return key;
}
TunnelPeer peer(const char* endpoint, const char* host) {
  return {ip(endpoint), 14789, tunnel_address(host).value()};
}
const TunnelPeer kOne = peer("192.0.2.1", "00000000000000a1");
const TunnelPeer kTwo = peer("2001:db8::2", "00000000000000a2");

PresentPeer as_present(const TunnelPeer& peer, seconds last_handshake = seconds(0)) {
  return {peer.endpoint, peer.port, {{peer.address, 128}}, last_handshake};
}

const struct nlmsghdr& head_in(const std::string& bytes) {
  return *static_cast<const struct nlmsghdr*>(static_cast<const void*>(bytes.data()));
}

TEST(Tunnel, AnAddressFollowsFromTheMachinesWord) {
  EXPECT_EQ(to_string(tunnel_address("0123456789abcdef").value()), "fd6d:6574:6577:6700:123:4567:89ab:cdef");
  EXPECT_TRUE(contains(kTunnelAddresses, tunnel_address("ffffffffffffffff").value()));
  for (const char* wrong : {"", "123", "0123456789abcdeg", "0123456789abcdef0", "-123456789abcdef"})
    EXPECT_FALSE(tunnel_address(wrong).has_value()) << wrong;
}

TEST(Tunnel, EachAgentHasADeviceOfItsOwn) {
  EXPECT_NE(tunnel_device("mete"), tunnel_device("mete-other0"));
  EXPECT_EQ(tunnel_device("mete").substr(0, 3), "mtw");
  EXPECT_LE(tunnel_device("mete-0123456789abcde").size(), 15U);
}

TEST(Tunnel, OnlyWhatDiffersIsWritten) {
  PresentTunnel present;
  const TunnelPeers both = {{key(1), kOne}, {key(2), kTwo}};
  EXPECT_EQ(peer_changes(present, {}, both, seconds(1000)),
            (std::vector<PeerChange>{{Does::kSet, key(1), kOne}, {Does::kSet, key(2), kTwo}}));
  present.peers = {{key(1), as_present(kOne)}, {key(2), as_present(kTwo)}};
  EXPECT_TRUE(peer_changes(present, both, both, seconds(1000)).empty());
  // A machine with a new key: the old one goes first, as both have one address.
  EXPECT_EQ(peer_changes(present, both, {{key(2), kTwo}, {key(3), kOne}}, seconds(1000)),
            (std::vector<PeerChange>{{Does::kRemove, key(1)}, {Does::kSet, key(3), kOne}}));
  // Somebody has let it send as another one.
  present.peers.at(key(1)).allowed.insert({kTwo.address, 128});
  EXPECT_EQ(peer_changes(present, both, both, seconds(1000)), (std::vector<PeerChange>{{Does::kSet, key(1), kOne}}));
}

TEST(Tunnel, APeerIsSentToWhereItIsHeard) {
  PresentTunnel present;
  present.peers[key(1)] = as_present(peer("198.51.100.7", "00000000000000a1"), seconds(900));
  const TunnelPeers wanted = {{key(1), kOne}};
  EXPECT_TRUE(peer_changes(present, wanted, wanted, seconds(1000)).empty());
  const std::vector<PeerChange> moved = {{Does::kMove, key(1), kOne}};
  EXPECT_EQ(peer_changes(present, wanted, wanted, seconds(1081)), moved);  // nothing was heard for three minutes
  EXPECT_EQ(peer_changes(present, {{key(1), kTwo}}, wanted, seconds(1000)), moved);  // it says so itself
}

TEST(Tunnel, WhatIsWrittenIsReadBack) {
  const auto messages = change_peers(40, 7, {{Does::kSet, key(1), kOne}, {Does::kSet, key(2), kTwo}});
  ASSERT_EQ(messages.size(), 1U);
  PresentTunnel read;
  const std::string bytes = messages.front().bytes();
  EXPECT_EQ(head_in(bytes).nlmsg_type, 40);
  take_tunnel(head_in(bytes), read);
  ASSERT_EQ(read.peers.size(), 2U);
  for (const auto& [each, wanted] : TunnelPeers{{key(1), kOne}, {key(2), kTwo}}) {
    const auto& found = read.peers.at(each);
    EXPECT_EQ(found.endpoint, wanted.endpoint);
    EXPECT_EQ(found.port, 14789);
    EXPECT_EQ(found.allowed, (std::set<std::pair<IpAddress, unsigned>>{{wanted.address, 128}}));
  }
  // One that does not fit into a message goes on in the next.
  const auto more = change_peers(40, 7, {{Does::kSet, key(1), kTwo}});
  take_tunnel(head_in(more.front().bytes()), read);
  EXPECT_EQ(read.peers.at(key(1)).allowed.size(), 2U);
  std::vector<PeerChange> many(250, {Does::kSet, key(1), kTwo});
  const auto parts = change_peers(40, 7, many);
  EXPECT_EQ(parts.size(), 3U);
  for (const auto& each : parts) EXPECT_LT(each.bytes().size(), 32U << 10U);
}

TEST(Tunnel, WhatIsCutIsNotTrusted) {
  std::string bytes = change_peers(40, 7, {{Does::kSet, key(1), kOne}}).front().bytes();
  for (std::size_t size = sizeof(struct nlmsghdr); size < bytes.size(); ++size) {
    std::string cut = bytes.substr(0, size);
    const auto length = static_cast<__u32>(size);
    std::memcpy(cut.data(), &length, sizeof length);
    PresentTunnel read;
    take_tunnel(head_in(cut), read);
    EXPECT_LE(read.peers.size(), 1U);
    EXPECT_FALSE(family_in(head_in(cut), "wireguard").has_value());
  }
}

TEST(Tunnel, ThePrivateKeyIsInOneMessageAlone) {
  Tunnel tunnel{"mtw00000001", key(9), key(8), 14789, kOne.address, 1420};
  const std::string secret(tunnel.key.begin(), tunnel.key.end());
  EXPECT_NE(set_tunnel(40, 7, tunnel).bytes().find(secret), std::string::npos);
  EXPECT_EQ(list_tunnel(40, 7).bytes().find(secret), std::string::npos);
  PresentTunnel read;
  take_tunnel(head_in(set_tunnel(40, 7, tunnel).bytes()), read);
  EXPECT_EQ(read.port, 14789);
  EXPECT_EQ(read.public_key, TunnelKey{}) << "a private key was taken for a public one";
}

TEST(Tunnel, AFamilyIsFoundByItsName) {
  struct genlmsghdr head {};
  head.cmd = CTRL_CMD_NEWFAMILY;
  Message answer(GENL_ID_CTRL, 0, head);
  answer.add_u16(CTRL_ATTR_FAMILY_ID, 33);
  answer.add_text(CTRL_ATTR_FAMILY_NAME, "wireguard");
  EXPECT_EQ(family_in(head_in(answer.bytes()), "wireguard"), 33);
  EXPECT_FALSE(family_in(head_in(answer.bytes()), "nl80211").has_value());
}

NetworkSpec overlay(bool encrypted) {
  NetworkSpec spec;
  spec.name = encrypted ? "secret" : "shop";
  spec.device = encrypted ? "mtb00000002" : "mtb00000001";
  spec.driver = Driver::kOverlay;
  spec.range = config::parse_range(encrypted ? "10.91.0.0/24" : "10.90.0.0/24").value();
  spec.overlay =
      OverlayLink{encrypted ? 0x6d0002U : 0x6d0001U, encrypted ? kOne.address : ip("192.0.2.1"), 4789, encrypted};
  return spec;
}

TEST(Tunnel, TheOptionIsDockersWord) {
  NetworkSpec spec;
  spec.driver = Driver::kOverlay;
  EXPECT_TRUE(options_of(spec).empty());
  for (const char* on : {"", "true", "1"}) {
    spec.overlay.reset();
    ASSERT_TRUE(set_option(spec, "encrypted", on).has_value());
    EXPECT_TRUE(is_encrypted(spec));
  }
  EXPECT_EQ(options_of(spec), (std::vector<std::pair<std::string, std::string>>{{"encrypted", ""}}));
  ASSERT_TRUE(set_option(spec, "encrypted", "false").has_value());
  EXPECT_FALSE(is_encrypted(spec));
  EXPECT_FALSE(set_option(spec, "encrypted", "perhaps").has_value());
  spec.driver = Driver::kBridge;
  EXPECT_FALSE(set_option(spec, "encrypted", "").has_value());
}

// Rules of a chain that end so and have this among their expressions.
std::ptrdiff_t rules_with(const nft::Table& table, const std::string& chain, const nft::Expression& part,
                          std::int32_t verdict) {
  return std::count_if(table.rules.begin(), table.rules.end(), [&](const nft::Rule& rule) {
    const auto& all = rule.expressions;
    return rule.chain == chain && all.back() == nft::Expression(nft::Verdict{verdict, {}}) &&
           std::find(all.begin(), all.end(), part) != all.end();
  });
}

TEST(TunnelRules, AnEncryptedNumberComesByTheTunnelAlone) {
  NetworkSpec bridge;
  bridge.name = "bridge";
  bridge.device = "mete0";
  bridge.range = config::parse_range("10.77.0.0/16").value();
  const auto table = tables_of("mete", {bridge, overlay(false), overlay(true)}).inet;
  const auto plain = tables_of("mete", {bridge, overlay(false)}).inet;
  const nft::Compare number{0, true, std::string("\x6d\0\x02", 3)};
  const nft::Compare of_others{0, true, std::string("\x6d\0\x01", 3)};
  EXPECT_EQ(rules_with(table, "raw", number, NF_DROP), 1);
  EXPECT_EQ(rules_with(table, "raw", of_others, NF_DROP), 0);
  const nft::Compare tunnel{0, true, nft::interface_key(tunnel_device("mete"))};
  EXPECT_EQ(rules_with(table, "raw", tunnel, NF_ACCEPT), 1);
  EXPECT_EQ(rules_with(table, "raw", tunnel, NF_DROP), 1);
  EXPECT_EQ(rules_with(table, "forward", tunnel, NF_DROP), 1);
  EXPECT_EQ(rules_with(table, "tunnel", nft::Compare{0, false, "mtw"}, NF_DROP), 1);
  for (const char* chain : {"raw", "forward", "tunnel"}) EXPECT_EQ(rules_with(plain, chain, tunnel, NF_DROP), 0);
}

TEST(TunnelRules, NoPodSendsVxlanItself) {
  const nft::Compare port{0, true, std::string("\x12\xb5", 2)};  // 4789
  const auto table = tables_of("mete", {overlay(false), overlay(true)}).inet;
  EXPECT_EQ(rules_with(table, "forward", port, NF_DROP), 2);
  EXPECT_EQ(rules_with(table, "raw", port, NF_DROP), 3);  // of each network, and the encrypted number
  NetworkSpec bridge;
  bridge.device = "mete0";
  bridge.range = config::parse_range("10.77.0.0/16").value();
  const auto without = tables_of("mete", {bridge}).inet;
  EXPECT_EQ(rules_with(without, "forward", port, NF_DROP) + rules_with(without, "raw", port, NF_DROP), 0);
}

}  // namespace
}  // namespace mete::runtime::network
