// SPDX-License-Identifier: Apache-2.0
// Networks on a device of the machine, as values: options, VLANs, messages, and addresses that are not given.
#include "runtime/network/underlay.h"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "runtime/network/address_pool.h"
#include "runtime/network/mac_address.h"
#include "tests/support/addresses.h"

namespace mete::runtime::network {
namespace {

NetworkSpec lan(Driver driver) {
  NetworkSpec network;
  network.name = "lan";
  network.driver = driver;
  network.range = config::parse_range("192.0.2.0/24").value();
  network.mtu = 0;
  return network;
}

// The attribute of that number, along a path of nested ones.
std::string attribute(const Message& message, std::vector<unsigned> path) {
  std::string_view data = message.bytes();
  data.remove_prefix(NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(ifinfomsg)));
  for (const unsigned wanted : path) {
    bool found = false;
    for (const auto& each : attributes_in(data)) {
      if (each.type != wanted || found) continue;
      data = each.data;
      found = true;
    }
    if (!found) return "none";
  }
  return std::string(data);
}

TEST(Underlay, OptionsAreDockersWords) {
  NetworkSpec network = lan(Driver::kMacvlan);
  EXPECT_TRUE(set_option(network, "parent", "eth0.10").has_value());
  EXPECT_TRUE(set_option(network, "macvlan_mode", "vepa").has_value());
  const std::vector<std::pair<std::string, std::string>> said = {{"parent", "eth0.10"}, {"macvlan_mode", "vepa"}};
  EXPECT_EQ(options_of(network), said);
  network = lan(Driver::kIpvlan);
  EXPECT_TRUE(set_option(network, "ipvlan_mode", "l3s").has_value());
  EXPECT_TRUE(set_option(network, "ipvlan_flag", "private").has_value());
  EXPECT_TRUE(routes_by_device(network));
  EXPECT_FALSE(routes_by_device(lan(Driver::kIpvlan)));
  network = lan(Driver::kCni);
  EXPECT_TRUE(set_option(network, "conf", "shop").has_value());
  EXPECT_EQ(network.configuration, "shop");
}

TEST(Underlay, OptionsOfOthersAndOtherWordsAreRefused) {
  for (const auto& [driver, name, value] :
       {std::tuple(Driver::kMacvlan, "macvlan_mode", "source"), std::tuple(Driver::kMacvlan, "ipvlan_mode", "l2"),
        std::tuple(Driver::kMacvlan, "macvlan_mode", ""), std::tuple(Driver::kIpvlan, "ipvlan_mode", "L2"),
        std::tuple(Driver::kIpvlan, "macvlan_mode", "bridge"), std::tuple(Driver::kBridge, "parent", "eth0"),
        std::tuple(Driver::kMacvlan, "parent", ""), std::tuple(Driver::kMacvlan, "parent", "lo"),
        std::tuple(Driver::kMacvlan, "parent", "a/b"), std::tuple(Driver::kMacvlan, "parent", "sixteen-bytes-of"),
        std::tuple(Driver::kCni, "parent", "eth0"), std::tuple(Driver::kCni, "conf", "")}) {
    NetworkSpec network = lan(driver);
    const auto set = set_option(network, name, value);
    ASSERT_FALSE(set.has_value()) << name << "=" << value;
    EXPECT_NE(set.error().what.find(name), std::string::npos) << set.error().what;
    EXPECT_EQ(network, lan(driver)) << "a refused option changes nothing";
  }
  NetworkSpec network = lan(Driver::kMacvlan);
  EXPECT_EQ(set_option(network, "macvlan_mode", "source").error().what,
            "network option macvlan_mode: found \"source\", expected bridge, private, vepa or passthru");
}

TEST(MacAddress, IsReadWhole) {
  EXPECT_EQ(parse_mac("02:6d:0A:4d:00:02"), (MacAddress{0x02, 0x6d, 0x0a, 0x4d, 0x00, 0x02}));
  for (const char* each : {"", "02:6d:0a:4d:00", "02:6d:0a:4d:00:02:", "02:6d:0a:4d:00:0x", "02-6d-0a-4d-00-02",
                           "2:6d:0a:4d:00:02:", "+2:6d:0a:4d:00:02"})
    EXPECT_FALSE(parse_mac(each).has_value()) << each;
  EXPECT_TRUE(is_of_one_device(*parse_mac("02:6d:0a:4d:00:02")));
  EXPECT_FALSE(is_of_one_device(*parse_mac("03:6d:0a:4d:00:02")));
  EXPECT_FALSE(is_of_one_device(MacAddress{}));
}

TEST(Underlay, NamesOfVlans) {
  EXPECT_EQ(vlan_of("eth0.10"), (Vlan{"eth0", 10}));
  EXPECT_EQ(vlan_of("a.b.4094"), (Vlan{"a.b", 4094}));
  for (const char* each : {"eth0", "eth0.", ".10", "eth0.0", "eth0.4095", "eth0.1x", "eth0.-1", "eth0.99999", ""})
    EXPECT_FALSE(vlan_of(each).has_value()) << each;
}

TEST(Underlay, AMacvlanHasAnAddressOfItsOwnAndAnIpvlanHasNot) {
  Endpoint endpoint;
  endpoint.mac = {2, 0x6d, 1, 2, 3, 4};
  const auto macvlan = make_on_parent(lan(Driver::kMacvlan), endpoint, 7, 9);
  EXPECT_EQ(attribute(macvlan, {IFLA_ADDRESS}), std::string("\x02\x6d\x01\x02\x03\x04", 6));
  EXPECT_EQ(attribute(macvlan, {IFLA_LINK}), std::string("\x07\0\0\0", 4));
  EXPECT_EQ(attribute(macvlan, {IFLA_NET_NS_FD}), std::string("\x09\0\0\0", 4));
  EXPECT_EQ(attribute(macvlan, {IFLA_MTU}), "none");
  EXPECT_EQ(attribute(macvlan, {IFLA_LINKINFO, IFLA_INFO_KIND}), std::string("macvlan\0", 8));
  EXPECT_EQ(attribute(macvlan, {IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_MACVLAN_MODE}), std::string("\x04\0\0\0", 4));
  NetworkSpec ipvlan = lan(Driver::kIpvlan);
  ipvlan.underlay.mode = "l3";
  ipvlan.mtu = 1400;
  const auto made = make_on_parent(ipvlan, Endpoint{}, 7, 9);
  EXPECT_EQ(attribute(made, {IFLA_ADDRESS}), "none");
  EXPECT_EQ(attribute(made, {IFLA_MTU}), std::string("\x78\x05\0\0", 4));
  EXPECT_EQ(attribute(made, {IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_IPVLAN_MODE}), std::string("\x01\0", 2));
  EXPECT_EQ(attribute(make_vlan("eth0.300", {"eth0", 300}, 7), {IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_VLAN_ID}),
            std::string("\x2c\x01", 2));
}

TEST(AddressPool, GivesOfAPartAndNothingThatOthersHave) {
  NetworkSpec network = lan(Driver::kMacvlan);
  network.gateway = ip("192.0.2.130");
  network.part = config::parse_range("192.0.2.128/29").value();
  network.reserved = {{"printer", ip("192.0.2.129")}, {"far", ip("192.0.2.7")}};
  AddressPool pool = pool_of(network);
  EXPECT_EQ(pool.size(), 6U);
  for (const char* each : {"128", "131", "132", "133", "134", "135"})
    EXPECT_EQ(to_string(pool.take().value()), std::string("192.0.2.") + each);
  EXPECT_FALSE(pool.take().has_value());
  // One that is asked for may be outside of the part, but not that of somebody else.
  EXPECT_TRUE(pool.take(ip("192.0.2.1")).has_value()) << "the gateway is another one";
  for (const char* each : {"192.0.2.7", "192.0.2.129", "192.0.2.130", "192.0.2.0", "192.0.2.255", "192.0.3.9"})
    EXPECT_FALSE(pool.take(ip(each)).has_value()) << each;
  pool.give_back(ip("192.0.2.133"));
  EXPECT_EQ(to_string(pool.take().value()), "192.0.2.133");
}

TEST(AddressPool, APartAtTheEndHasNoBroadcast) {
  NetworkSpec network = lan(Driver::kBridge);
  network.part = config::parse_range("192.0.2.252/30").value();
  AddressPool pool = pool_of(network);
  EXPECT_EQ(pool.size(), 3U);
  for (const char* each : {"252", "253", "254"})
    EXPECT_EQ(to_string(pool.take().value()), std::string("192.0.2.") + each);
  EXPECT_FALSE(pool.take().has_value());
}

}  // namespace
}  // namespace mete::runtime::network
