// SPDX-License-Identifier: Apache-2.0
// What machines tell each other of networks that they share: keys, values, and what a machine puts back.
#include "agent/networks/overlay/overlay_records.h"

#include <gtest/gtest.h>

#include "agent/networks/overlay/overlay_store.h"

namespace mete::agent {
namespace {

using config::parse_ip;

OverlayNetwork shop() {
  OverlayNetwork network;
  network.name = "shop";
  network.vni = kFirstVni;
  network.range = config::parse_range("10.90.0.0/24").value();
  network.mtu = 1450;
  return network;
}

OverlayMember member(const std::string& address, const std::string& host, const std::string& name = "default/web") {
  OverlayMember each;
  each.network = "shop";
  each.address = *parse_ip(address);
  each.mac = runtime::network::mac_of(each.address);
  each.host = host;
  each.vtep = *parse_ip("192.0.2.1");
  each.names = {name, name.substr(name.find('/') + 1)};
  return each;
}

OverlayRecords records_of(const std::vector<OverlayMember>& members) {
  OverlayRecords records;
  records.networks["shop"] = shop();
  for (const auto& each : members) records.members[{each.network, each.address}] = each;
  return records;
}

constexpr const char* kFirst = "00000000000000a1";
constexpr const char* kSecond = "00000000000000a2";

OverlayHost host(const std::string& name, std::uint8_t key) {
  OverlayHost each{name, *parse_ip("192.0.2.1"), 14789, {}};
  each.public_key.fill(key);
  return each;
}

OverlayRecords encrypted(const std::vector<OverlayMember>& members, const std::vector<OverlayHost>& hosts) {
  OverlayRecords records = records_of(members);
  records.networks["shop"].encrypted = true;
  for (const auto& each : hosts) records.hosts[each.host] = each;
  return records;
}

TEST(OverlayRecords, ComeBackAsTheyWere) {
  OverlayNetwork network = shop();
  EXPECT_EQ(parse_overlay_network("shop", to_json(network)).value(), network);
  network.range6 = config::parse_range("fd00:90::/64").value();
  network.internal = true;
  network.between_containers = false;
  network.labels = {{"a", "b"}};
  EXPECT_EQ(parse_overlay_network("shop", to_json(network)).value(), network);
  network.encrypted = true;
  EXPECT_EQ(parse_overlay_network("shop", to_json(network)).value(), network);
  EXPECT_EQ(parse_overlay_host(kFirst, to_json(host(kFirst, 9))).value(), host(kFirst, 9));
  OverlayMember pod = member("10.90.0.2", "h1");
  EXPECT_EQ(parse_overlay_member({"shop", pod.address}, to_json(pod)).value(), pod);
  pod.address6 = parse_ip("fd00:90::2");
  EXPECT_EQ(parse_overlay_member({"shop", pod.address}, to_json(pod)).value(), pod);
}

TEST(OverlayRecords, OfOthersAreNotTrusted) {
  const OverlayMember pod = member("10.90.0.2", "h1");
  const std::string good = to_json(pod);
  for (const auto& [from, to] : {std::pair("02:6d", "03:6d"), std::pair("02:6d", "xx:6d"),
                                 std::pair("192.0.2.1", "192.0.2"), std::pair("\"h1\"", "7")}) {
    std::string wrong = good;
    wrong.replace(wrong.find(from), std::string(from).size(), to);
    EXPECT_FALSE(parse_overlay_member({"shop", pod.address}, wrong).has_value()) << wrong;
  }
  for (const std::string wrong :
       {"", "{}", R"({"address":"192.0.2.1","port":1,"publicKey":"AAAA"})",
        R"({"address":"192.0.2.1","port":0,"publicKey":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})"})
    EXPECT_FALSE(parse_overlay_host(kFirst, wrong).has_value()) << wrong;
  EXPECT_FALSE(parse_overlay_host("h1", to_json(host("h1", 9))).has_value());
  for (const std::string wrong :
       {"", "{}", "[]", R"({"vni":0,"subnet":"10.90.0.0/24","mtu":1450})",
        R"({"vni":16777216,"subnet":"10.90.0.0/24","mtu":1450})", R"({"vni":5,"subnet":"fd00::/64","mtu":1450})"})
    EXPECT_FALSE(parse_overlay_network("shop", wrong).has_value()) << wrong;
}

TEST(OverlayRecords, FollowTheChangesOfEtcd) {
  OverlayRecords records;
  const auto pod = member("10.90.0.2", "h1");
  EXPECT_TRUE(apply("/mete/", {false, {"/mete/networks/shop", to_json(shop())}}, records).has_value());
  EXPECT_TRUE(apply("/mete/", {false, {"/mete/members/shop/10.90.0.2", to_json(pod)}}, records).has_value());
  EXPECT_TRUE(apply("/mete/", {false, {"/mete/vnis/7143424", "shop"}}, records).has_value());
  EXPECT_TRUE(apply("/mete/", {false, {"/other/networks/x", "?"}}, records).has_value());
  EXPECT_EQ(records, records_of({pod}));
  const std::string key = host_key("/mete/", kFirst);
  EXPECT_TRUE(apply("/mete/", {false, {key, to_json(host(kFirst, 9))}}, records).has_value());
  EXPECT_EQ(records.hosts.at(kFirst), host(kFirst, 9));
  EXPECT_FALSE(apply("/mete/", {false, {key, "?"}}, records).has_value());
  EXPECT_EQ(records, records_of({pod}));
  // What cannot be read is as good as gone.
  EXPECT_FALSE(apply("/mete/", {false, {"/mete/members/shop/10.90.0.2", "?"}}, records).has_value());
  EXPECT_FALSE(apply("/mete/", {false, {"/mete/members/shop/x", to_json(pod)}}, records).has_value());
  EXPECT_EQ(records, records_of({}));
  EXPECT_TRUE(apply("/mete/", {true, {"/mete/networks/shop", ""}}, records).has_value());
  EXPECT_EQ(records, OverlayRecords{});
}

TEST(OverlayRecords, NumbersAreGivenInTurn) {
  OverlayRecords records = records_of({});
  EXPECT_EQ(next_vni(records), kFirstVni + 1);
  EXPECT_EQ(next_vni(records, kFirstVni + 9), kFirstVni + 9);
  EXPECT_EQ(next_vni(records, kLastVni + 1), std::nullopt);
}

TEST(OverlayRecords, WhatADeviceHasToKnow) {
  auto far = member("10.90.0.3", "h2");
  far.address6 = parse_ip("fd00:90::3");  // the network has no IPv6
  const auto near = member("10.90.0.2", "h1");
  const auto stray = member("10.99.0.3", "h2");
  const auto entries = remote_entries(records_of({near, far, stray}), "shop", "h1");
  EXPECT_EQ(entries, (runtime::network::RemoteEntries{{far.mac, far.vtep, far.address}}));
  auto records = records_of({far});
  records.networks["shop"].range6 = config::parse_range("fd00:90::/64").value();
  EXPECT_EQ(remote_entries(records, "shop", "h1").size(), 2U);
  EXPECT_TRUE(remote_entries(records, "other", "h1").empty());
}

TEST(EncryptedRecords, AnAgentThatCannotEncryptLeavesTheNetworkOut) {
  OverlayNetwork network = shop();
  network.encrypted = true;
  EXPECT_EQ(to_json(network).find("\"vni\""), std::string::npos);
  EXPECT_NE(to_json(shop()).find("\"vni\""), std::string::npos);
}

TEST(EncryptedRecords, MachinesAreKnownByTheirAddressesInTheTunnel) {
  const auto far = member("10.90.0.3", kSecond);
  const auto records = encrypted({far}, {host(kFirst, 1), host(kSecond, 2)});
  EXPECT_EQ(remote_entries(records, "shop", kFirst),
            (runtime::network::RemoteEntries{{far.mac, *runtime::network::tunnel_address(kSecond), far.address}}));
  const auto peers = tunnel_peers(records, host(kFirst, 1));
  ASSERT_EQ(peers.size(), 1U);
  EXPECT_EQ(peers.begin()->first, host(kSecond, 2).public_key);
  EXPECT_EQ(peers.begin()->second.address, *runtime::network::tunnel_address(kSecond));
  EXPECT_TRUE(unreached_machines(records, "shop", host(kFirst, 1)).empty());
}

TEST(EncryptedRecords, AMachineWithoutAKeyIsSentNothing) {
  const auto far = member("10.90.0.3", kSecond);
  const auto records = encrypted({far, member("10.90.0.4", kSecond)}, {host(kFirst, 1)});
  EXPECT_TRUE(remote_entries(records, "shop", kFirst).empty());
  EXPECT_TRUE(tunnel_peers(records, host(kFirst, 1)).empty());
  const auto unreached = unreached_machines(records, "shop", host(kFirst, 1));
  ASSERT_EQ(unreached.size(), 1U);
  EXPECT_EQ(unreached.front().host, kSecond);
  EXPECT_EQ(to_string(unreached.front().address), "192.0.2.1");
  // A copy of a machine has its key: WireGuard would know one of them only.
  const auto twins = encrypted({far}, {host(kFirst, 1), host(kSecond, 1)});
  EXPECT_TRUE(tunnel_peers(twins, host(kFirst, 1)).empty());
  EXPECT_EQ(unreached_machines(twins, "shop", host(kFirst, 1)).size(), 1U);
}

TEST(EncryptedRecords, AKeyIsPutBackBeforeThePodsThatAreReachedByIt) {
  using Does = etcd::Operation::Does;
  const auto pod = member("10.90.0.2", kFirst);
  const auto plan = put_back_plan("/mete/", encrypted({}, {}), {{shop()}, {pod}, host(kFirst, 1)}, kFirst, 7);
  ASSERT_EQ(plan.size(), 2U);
  EXPECT_EQ(plan[0].then.front().key, host_key("/mete/", kFirst));
  EXPECT_EQ(plan[0].then.front().lease, 7);
  // A new key in place of an old one; none where this machine has no such network any more.
  const auto renewed =
      put_back_plan("/mete/", encrypted({}, {host(kFirst, 1)}), {{shop()}, {}, host(kFirst, 2)}, kFirst, 7);
  ASSERT_EQ(renewed.size(), 1U);
  EXPECT_EQ(renewed[0].conditions.front().value, to_json(host(kFirst, 1)));
  EXPECT_EQ(renewed[0].then.front().value, to_json(host(kFirst, 2)));
  const auto gone =
      put_back_plan("/mete/", encrypted({}, {host(kFirst, 1), host(kSecond, 2)}), {{shop()}, {}}, kFirst, 7);
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0].then.front().does, Does::kRemove);
  EXPECT_EQ(gone[0].then.front().key, host_key("/mete/", kFirst));
}

TEST(OverlayRecords, MembersOfOtherMachinesAreFoundByEachOfTheirNames) {
  const auto own = member("10.90.0.2", "h1");
  const auto far = member("10.90.0.3", "h2");
  const auto records = records_of({own, far, member("10.90.0.4", "h2", "default/db")});
  EXPECT_EQ(members_called(records, "shop", "h1", "default/web"), std::vector{far});
  EXPECT_EQ(members_called(records, "shop", "h2", "default/web"), std::vector{own});
  EXPECT_TRUE(members_called(records, "shop", "h1", "default/nobody").empty());
  EXPECT_TRUE(members_called(records, "other", "h1", "default/web").empty());
  EXPECT_EQ(members_elsewhere(records, "shop", "h1").size(), 2U);
}

TEST(PutBack, SaysWhatEtcdLacks) {
  const auto kept = member("10.90.0.2", "h1");
  const auto gone = member("10.90.0.3", "h1", "default/old");
  const auto others = member("10.90.0.4", "h2");
  const auto late = member("10.90.0.5", "h1", "default/late");
  const auto plan = put_back_plan("/mete/", records_of({kept, gone, others}), {{shop()}, {kept, late}}, "h1", 7);
  using Does = etcd::Operation::Does;
  using Is = etcd::Condition::Is;
  ASSERT_EQ(plan.size(), 3U);
  // What is to go, first.
  EXPECT_EQ(plan[0].then.front().does, Does::kRemove);
  EXPECT_EQ(plan[0].then.front().key, "/mete/members/shop/10.90.0.3");
  EXPECT_EQ(plan[0].conditions.front().value, to_json(gone));
  EXPECT_EQ(plan[1].then.front().key, "/mete/members/shop/10.90.0.2");
  EXPECT_EQ(plan[1].then.front().lease, 7);
  EXPECT_EQ(plan[1].conditions.front().is, Is::kValue);
  EXPECT_EQ(plan[2].then.front().key, "/mete/members/shop/10.90.0.5");
  EXPECT_EQ(plan[2].conditions.front().is, Is::kAbsent);
  // An etcd that has lost everything gets the network back, too.
  const auto anew = put_back_plan("/mete/", {}, {{shop()}, {kept}}, "h1", 7);
  ASSERT_EQ(anew.size(), 2U);
  EXPECT_EQ(anew[0].then.front().key, "/mete/networks/shop");
  EXPECT_EQ(anew[0].then.back().key, "/mete/vnis/7143424");
  EXPECT_EQ(anew[0].then.front().lease, 0);
}

}  // namespace
}  // namespace mete::agent
