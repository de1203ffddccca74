// SPDX-License-Identifier: Apache-2.0
// Addresses, messages and rules of networks, as values: no kernel.
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "runtime/network/address_pool.h"
#include "runtime/network/bandwidth.h"
#include "runtime/network/link_messages.h"
#include "runtime/network/rule_news.h"
#include "runtime/network/rules.h"
#include "tests/support/addresses.h"

namespace mete::runtime::network {
namespace {

IpRange range(const char* text) {
  return config::parse_range(text).value();
}
std::string hex(const std::string& bytes) {
  std::string text;
  for (const char each : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(each));
    text += two;
  }
  return text;
}

NetworkSpec bridge(const char* device = "mete0", const char* addresses = "10.77.0.0/16") {
  NetworkSpec spec;
  spec.name = device;
  spec.device = device;
  spec.range = range(addresses);
  return spec;
}
Endpoint web() {
  Endpoint endpoint;
  endpoint.network = "bridge";
  endpoint.device = "mte00000001";
  endpoint.address = ip("10.77.0.2");
  endpoint.mac = mac_of(endpoint.address);
  return endpoint;
}

TEST(AddressPool, GivesEachAddressOnceAndAFreedOneLast) {
  AddressPool pool = pool_of(bridge("mete0", "10.77.0.0/29"));
  EXPECT_EQ(to_string(pool.take().value()), "10.77.0.2");
  EXPECT_EQ(to_string(pool.take().value()), "10.77.0.3");
  pool.give_back(ip("10.77.0.2"));
  for (const char* next : {"10.77.0.4", "10.77.0.5", "10.77.0.6", "10.77.0.2"})
    EXPECT_EQ(to_string(pool.take().value()), next);
  const auto none = pool.take();
  ASSERT_FALSE(none.has_value());
  EXPECT_NE(none.error().what.find("all of its 5 addresses taken"), std::string::npos) << none.error().what;
  pool.give_back(ip("10.77.0.4"));
  EXPECT_EQ(to_string(pool.take().value()), "10.77.0.4");
}

TEST(AddressPool, PassesOverTakenOnesRoundTheRange) {
  AddressPool pool = pool_of(bridge("mete0", "10.77.0.0/29"));
  ASSERT_TRUE(pool.take(ip("10.77.0.6")).has_value());
  ASSERT_TRUE(pool.take(ip("10.77.0.2")).has_value());
  ASSERT_TRUE(pool.take(ip("10.77.0.3")).has_value());
  EXPECT_EQ(to_string(pool.take().value()), "10.77.0.4");
  EXPECT_EQ(to_string(pool.take().value()), "10.77.0.5");
  pool.give_back(ip("10.77.0.3"));
  EXPECT_EQ(to_string(pool.take().value()), "10.77.0.3") << "over .6 and round to .2";
  EXPECT_EQ(pool.used(), 5U);
}

TEST(AddressPool, RefusesWhatIsNobodysOrTaken) {
  AddressPool pool = pool_of(bridge("mete0", "10.77.0.0/29"));
  for (const char* no : {"10.77.0.0", "10.77.0.1", "10.77.0.7", "10.77.0.8", "fd00::2"})
    EXPECT_FALSE(pool.take(ip(no)).has_value()) << no;
  EXPECT_TRUE(pool.take(ip("10.77.0.6")).has_value());
  EXPECT_FALSE(pool.take(ip("10.77.0.6")).has_value());
  AddressPool v6(range("fd00:77::/64"), {ip("fd00:77::1")});
  EXPECT_EQ(to_string(v6.take().value()), "fd00:77::2");
}

TEST(Endpoint, IsNamedByItsAddress) {
  EXPECT_EQ(to_string(mac_of(ip("10.77.1.2"))), "02:6d:0a:4d:01:02");
  EXPECT_EQ(config::to_string(link_local_of(mac_of(ip("10.77.1.2")))), "fe80::6d:aff:fe4d:102");
}

TEST(PublishedPort, CollidesWhereOnePacketCouldGoTwoWays) {
  const PublishedPort everywhere{config::Protocol::kTcp, {}, 80, 8080};
  const PublishedPort here{config::Protocol::kTcp, ip("127.0.0.1"), 80, 8080};
  const PublishedPort there{config::Protocol::kTcp, ip("192.0.2.1"), 80, 8080};
  const PublishedPort udp{config::Protocol::kUdp, {}, 80, 8080};
  EXPECT_TRUE(collide(everywhere, here));
  EXPECT_TRUE(collide(here, here));
  EXPECT_FALSE(collide(here, there));
  EXPECT_FALSE(collide(everywhere, udp));
  EXPECT_EQ(to_string(here), "127.0.0.1:80/tcp");
  EXPECT_EQ(to_string(PublishedPort{config::Protocol::kUdp, ip("::1"), 53, 53}), "[::1]:53/udp");
}

// What the kernel reads: lengths, alignment, nesting.
TEST(Message, HasTheKernelsForm) {
  Message message(RTM_NEWADDR, NLM_F_CREATE, ifaddrmsg{AF_INET, 16, 0, 0, 7});
  message.add_text(IFLA_IFNAME, "abc");
  const auto nest = message.begin(IFLA_LINKINFO | NLA_F_NESTED);
  message.add_u8(1, 5);
  message.end(nest);
  message.set_sequence(9);
  message.add_flags(NLM_F_ACK);
  EXPECT_EQ(hex(message.bytes()),
            "2c0000001400050409000000"  // 44 bytes, RTM_NEWADDR, CREATE | ACK | REQUEST, 9
            "00000000"
            "0210000007000000"
            "0800030061626300"
            "0c00128005000100"
            "05000000");
}

TEST(Message, AttributesAreReadWithoutTrust) {
  Message message(RTM_NEWLINK, 0, ifinfomsg{});
  message.add_text(IFLA_IFNAME, "mete0");
  message.add_u32(IFLA_MASTER, 12);
  const std::string body = message.bytes().substr(NLMSG_HDRLEN + sizeof(ifinfomsg));
  const auto all = attributes_in(body);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].text(), "mete0");
  EXPECT_EQ(all[1].u32(), 12U);
  for (std::size_t cut = 0; cut < body.size(); ++cut) EXPECT_LE(attributes_in(body.substr(0, cut)).size(), 2U);
  EXPECT_TRUE(attributes_in(std::string("\x01\x00\x03\x00", 4)).empty()) << "shorter than itself";
  EXPECT_TRUE(attributes_in(std::string("\xff\xff\x03\x00", 4)).empty()) << "longer than the message";
}

TEST(LinkMessages, ALinkIsReadBack) {
  const Message made = make_bridge(bridge(), mac_of(ip("10.77.0.1")));
  struct nlmsghdr head {};
  std::memcpy(&head, made.bytes().data(), sizeof head);
  EXPECT_EQ(head.nlmsg_type, RTM_NEWLINK);
  EXPECT_EQ(head.nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
  const std::string bytes = made.bytes();
  const auto link = link_of(*static_cast<const struct nlmsghdr*>(static_cast<const void*>(bytes.data())));
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(link->name, "mete0");
  EXPECT_EQ(link->kind, "bridge");
  EXPECT_EQ(link->mtu, 1500U);
}

TEST(LinkMessages, ThePeerIsBornInside) {
  const std::string bytes = make_veth({"mte1", 5, 1400, mac_of(ip("10.77.0.2")), 42}).bytes();
  const std::string peer = hex(bytes);
  EXPECT_NE(peer.find("08001c002a000000"), std::string::npos) << "IFLA_NET_NS_FD 42 in " << peer;
  EXPECT_NE(peer.find("0a000100026d0a4d0002"), std::string::npos) << "IFLA_ADDRESS in " << peer;
  EXPECT_NE(peer.find("08000a0005000000"), std::string::npos) << "IFLA_MASTER 5 in " << peer;
}

TEST(LinkMessages, AFurtherNetworkHasADeviceOfItsOwn) {
  const std::string second = hex(make_veth({"mte1", 5, 1400, mac_of(ip("10.77.0.2")), 42, "eth1"}).bytes());
  EXPECT_NE(second.find("090003006574683100"), std::string::npos) << "IFLA_IFNAME eth1 in " << second;
}

TEST(LinkMessages, AnAddressHasItsBroadcast) {
  const std::string bytes = hex(add_address(7, ip("10.77.0.2"), 16).bytes());
  EXPECT_NE(bytes.find("080004000a4dffff"), std::string::npos) << bytes;
}

std::vector<std::string> keys(const std::vector<nft::Element>& elements) {
  std::vector<std::string> all;
  for (const auto& each : elements) all.push_back(each.set + " " + hex(each.key) + " " + hex(each.value));
  return all;
}

TEST(Rules, APortIsAnElement) {
  Endpoint endpoint = web();
  endpoint.ports = {{config::Protocol::kTcp, {}, 8081, 80}, {config::Protocol::kUdp, ip("127.0.0.1"), 53, 5353}};
  EXPECT_EQ(keys(elements_of(endpoint).inet),
            (std::vector<std::string>{"ports4 060000001f910000 0a4d000200500000",
                                      "ports4-at 7f0000011100000000350000 0a4d000214e90000"}));
  endpoint.address6 = ip("fd00::2");
  EXPECT_EQ(elements_of(endpoint).inet.size(), 3U) << "the first is published on v6, too";
}

TEST(Rules, AnEndOwnsItsAddressesAlone) {
  const std::string device = hex(nft::interface_key("mte00000001"));
  EXPECT_EQ(device.size(), 32U);
  EXPECT_EQ(keys(elements_of(web()).bridge),
            (std::vector<std::string>{"ends " + device + " ", "owners " + device + "026d0a4d00020000 ",
                                      "owners4 " + device + "026d0a4d000200000a4d0002 "}));
}

TEST(Rules, AnEndThatNobodyKnowsSendsNothing) {
  EXPECT_EQ(end_prefix("mete"), end_prefix("mete"));
  EXPECT_NE(end_prefix("mete"), end_prefix("mete-other0")) << "the ends of another agent are not ours to drop";
  const auto rules = tables_of("mete", {bridge()}).bridge.rules;
  const auto unknown = std::find_if(rules.begin(), rules.end(), [](const nft::Rule& rule) {
    return rule.chain == "prerouting" &&
           rule.expressions[1] == nft::Expression(nft::Compare{0, true, end_prefix("mete")});
  });
  ASSERT_NE(unknown, rules.end());
  EXPECT_EQ(unknown->expressions.back(), nft::Expression(nft::Verdict{0, {}}));
}

TEST(Rules, MostFramesPassOneLookUp) {
  const auto rules = tables_of("mete", {bridge()}).bridge.rules;
  ASSERT_EQ(rules.front().chain, "prerouting");
  const auto& first = rules.front().expressions;
  const bool looks_up = std::any_of(first.begin(), first.end(), [](const nft::Expression& each) {
    return std::holds_alternative<nft::Lookup>(each) && std::get<nft::Lookup>(each).set == "owners4";
  });
  EXPECT_TRUE(looks_up);
  EXPECT_EQ(first.back(), nft::Expression(nft::Verdict{1, {}}));
}

TEST(Rules, OneMoreNetworkAddsNothingToMostPackets) {
  const auto entry = [](const nft::Table& table) {
    return std::count_if(table.rules.begin(), table.rules.end(),
                         [](const nft::Rule& rule) { return rule.chain == "raw"; });
  };
  const auto one = tables_of("mete", {bridge()}).inet;
  const auto two = tables_of("mete", {bridge(), bridge("mete1", "10.78.0.0/24")}).inet;
  EXPECT_EQ(entry(one), 2);
  EXPECT_EQ(entry(two), 2);
}

TEST(Rules, APodInTheNetworkOfAnotherAddsNone) {
  Endpoint shared = web();
  shared.shared = true;
  EXPECT_TRUE(change_endpoint("mete", std::nullopt, shared).empty());
}

TEST(Rules, OneMoreContainerAddsNoRule) {
  const auto tables = tables_of("mete", {bridge()});
  EXPECT_TRUE(tables.inet.elements.empty());
  const auto one = change_endpoint("mete", std::nullopt, web());
  for (const auto& message : one) EXPECT_EQ(message.type() & 0xFFU, unsigned{NFT_MSG_NEWSETELEM});
  const auto gone = change_endpoint("mete", web(), std::nullopt);
  for (const auto& message : gone) EXPECT_EQ(message.type() & 0xFFU, unsigned{NFT_MSG_DELSETELEM});
  EXPECT_EQ(one.size(), gone.size());
  EXPECT_TRUE(change_endpoint("mete", web(), web()).empty());
}

TEST(Rules, ManyElementsTakeSeveralMessages) {
  std::vector<Endpoint> many;
  for (unsigned i = 2; i < 2'002; ++i) {
    Endpoint each = web();
    each.address = config::nth(range("10.77.0.0/16"), i);
    each.mac = mac_of(each.address);
    each.ports = {{config::Protocol::kTcp, {}, static_cast<std::uint16_t>(i), 80}};
    many.push_back(each);
  }
  for (const auto& message : replace_all("mete", {{bridge()}, many, {}})) EXPECT_LT(message.bytes().size(), 64U << 10U);
}

TEST(Rules, AnInternalNetworkHasNoWayOut) {
  NetworkSpec internal = bridge("mete1", "10.78.0.0/24");
  internal.internal = true;
  const auto masquerades = [](const nft::Table& table) {
    return std::count_if(table.rules.begin(), table.rules.end(), [](const nft::Rule& rule) {
      return std::holds_alternative<nft::Masquerade>(rule.expressions.back());
    });
  };
  const auto drops = [](const nft::Table& table) {
    return std::count_if(table.rules.begin(), table.rules.end(), [](const nft::Rule& rule) {
      return rule.chain == "forward" && rule.expressions.back() == nft::Expression(nft::Verdict{0, {}});
    });
  };
  const auto open = tables_of("mete", {bridge()}).inet;
  const auto closed = tables_of("mete", {internal}).inet;
  EXPECT_EQ(masquerades(open), masquerades(closed) + 1);
  EXPECT_EQ(drops(open) + 1, drops(closed));
}

TEST(Rules, EveryJumpAndLookupHasItsTarget) {
  NetworkSpec both = bridge();
  both.range6 = range("fd00:77::/64");
  const auto tables = tables_of("mete", {both, bridge("mete1", "10.78.0.0/24")});
  const auto served = tables_of("mete", {both}, {range("10.79.0.0/16"), range("fd00:79::/112"), true});
  for (const auto* table : {&tables.inet, &tables.bridge, &served.inet}) {
    const auto has_chain = [&](const std::string& name) {
      return std::any_of(table->chains.begin(), table->chains.end(),
                         [&](const auto& each) { return each.name == name; });
    };
    const auto has_set = [&](const std::string& name) {
      return std::any_of(table->sets.begin(), table->sets.end(), [&](const auto& each) { return each.name == name; });
    };
    for (const auto& rule : table->rules) {
      EXPECT_TRUE(has_chain(rule.chain)) << rule.chain;
      for (const auto& each : rule.expressions) {
        const auto* lookup = std::get_if<nft::Lookup>(&each);
        EXPECT_TRUE(lookup == nullptr || has_set(lookup->set)) << (lookup == nullptr ? "" : lookup->set);
        const auto* verdict = std::get_if<nft::Verdict>(&each);
        const std::string chain = verdict == nullptr ? "" : verdict->chain;
        EXPECT_TRUE(chain.empty() || has_chain(chain)) << chain;
      }
    }
  }
  EXPECT_EQ(table_name("mete0"), "mete");
  EXPECT_EQ(table_name("other0"), "mete-other0");
}

TEST(Bandwidth, AShaperHasANameThatNoBridgeHas) {
  EXPECT_EQ(shaper_of("mte0a1b2c3d4e"), "mti0a1b2c3d4e");
  EXPECT_EQ(former_shaper_of("mte0a1b2c3d4e"), "mtb0a1b2c3d4e");
  EXPECT_EQ(shaper_of(end_prefix("mete")).size(), end_prefix("mete").size());
}

TEST(Bandwidth, ATokenBucketHoldsItsRate) {
  const std::string slow = limit_rate(7, 1'000'000, 0).bytes();
  EXPECT_NE(slow.find(std::string("tbf\0", 4)), std::string::npos);
  const std::string fast = limit_rate(7, 10'000'000'000, 0).bytes();
  EXPECT_EQ(fast.size(), slow.size() + 12) << "a rate beyond 32 bits stands in an attribute of its own";
  EXPECT_NE(limit_rate(7, 1'000'000, 4U << 20U).bytes(), slow) << "a burst of its own";
  const auto* const head = static_cast<const nlmsghdr*>(static_cast<const void*>(slow.data()));
  const auto read = queue_of(*head);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->index, 7);
  EXPECT_EQ(read->delayed, 0U);
}

std::string news(unsigned type, const std::string& table) {
  struct nfgenmsg head {};
  Message message(NFNL_SUBSYS_NFTABLES << 8U | type, 0, head);
  message.add_text(NFTA_TABLE_NAME, table);
  return message.bytes();
}
std::string end_of_news(const std::string& program) {
  struct nfgenmsg head {};
  Message message(NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_NEWGEN, 0, head);
  message.add_big32(NFTA_GEN_ID, 7);
  message.add_big32(NFTA_GEN_PROC_PID, 4711);
  message.add_text(NFTA_GEN_PROC_NAME, program);
  return message.bytes();
}

TEST(RuleNews, TellsWhoHasChangedOurTable) {
  RuleNews reader("mete", "mete-network");
  EXPECT_EQ(reader.take(news(NFT_MSG_DELTABLE, "mete") + end_of_news("nft")), "nft (4711)");
  EXPECT_EQ(reader.take(news(NFT_MSG_NEWRULE, "filter") + end_of_news("iptables")), std::nullopt);
  EXPECT_EQ(reader.take(news(NFT_MSG_NEWSETELEM, "mete") + end_of_news("mete-network")), std::nullopt) << "ourselves";
  EXPECT_EQ(reader.take(news(NFT_MSG_DELSETELEM, "mete")), std::nullopt) << "whose it was comes later";
  EXPECT_EQ(reader.take(end_of_news("nft")), "nft (4711)");
  EXPECT_EQ(reader.take(end_of_news("nft")), std::nullopt);
  const std::string whole = news(NFT_MSG_DELTABLE, "mete") + end_of_news("nft");
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_EQ(RuleNews("mete", "x").take(whole.substr(0, cut)), std::nullopt);
}

}  // namespace
}  // namespace mete::runtime::network
