// SPDX-License-Identifier: Apache-2.0
// Devices on a parent as this kernel makes them: in a network namespace of the test's own, on a pair of devices of its
// own. A kernel without a kind skips its cases.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/file.h"
#include "runtime/network/host_network.h"
#include "runtime/network/network_visit.h"
#include "runtime/network/underlay.h"

namespace mete::runtime::network {
namespace {

bool lacks(const Status& made) {
  return !made && made.error().what.find("this kernel has no network devices of kind") != std::string::npos;
}

class Underlay : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: makes network namespaces";
    auto visit = NetworkVisit::make();
    ASSERT_TRUE(visit.has_value()) << visit.error().what;
    visit_.emplace(std::move(*visit));
    auto host = HostNetwork::open();
    ASSERT_TRUE(host.has_value()) << host.error().what;
    host_.emplace(std::move(*host));
    auto here = open_at(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY);
    ASSERT_TRUE(here.has_value());
    auto links = NetlinkSocket::open(NETLINK_ROUTE);
    ASSERT_TRUE(links.has_value());
    std::vector<Message> messages;
    messages.push_back(make_veth({"one", 0, 1500, {2, 0, 0, 0, 0, 1}, here->get(), "other"}));
    for (const char* each : {"one", "other"}) messages.push_back(set_up(each, 0, {.link_local = true}));
    const auto made = links->request(std::move(messages));
    ASSERT_TRUE(made) << made.error().error.what;
  }

  static NetworkSpec lan(Driver driver, const std::string& parent = "one") {
    NetworkSpec network;
    network.name = "lan";
    network.driver = driver;
    network.range = config::parse_range("192.0.2.0/24").value();
    if (::access("/proc/sys/net/ipv6", F_OK) == 0) network.range6 = config::parse_range("2001:db8::/64").value();
    network.mtu = 0;
    network.underlay.parent = parent;
    return network;
  }

  static Endpoint end(const NetworkSpec& network, unsigned place) {
    Endpoint endpoint;
    endpoint.network = network.name;
    endpoint.address = config::nth(network.range, place);
    if (network.range6) endpoint.address6 = config::nth(*network.range6, place);
    if (network.driver == Driver::kMacvlan) endpoint.mac = mac_of(endpoint.address);
    return endpoint;
  }

  // The kind and the state of the device in a namespace; empty: there is none.
  static std::string kind_in(Namespace& inside, const std::string& device) {
    std::string kind;
    EXPECT_TRUE(inside.inside.dump(list_links(), [&](const auto& message) {
      const auto link = link_of(message);
      if (link && link->name == device) kind = link->kind + (link->up ? " up" : " down");
    }));
    return kind;
  }

  void connects(const NetworkSpec& network) {
    const auto ready = host_->ensure_parent(network);
    if (lacks(ready)) GTEST_SKIP() << ready.error().what;
    ASSERT_TRUE(ready.has_value()) << ready.error().what;
    auto inside = host_->make_namespace();
    ASSERT_TRUE(inside.has_value());
    const auto endpoint = end(network, 7);
    const auto connected = host_->connect_to_parent(*inside, network, endpoint);
    ASSERT_TRUE(connected.has_value()) << connected.error().what;
    EXPECT_EQ(kind_in(*inside, "eth0"), std::string(to_string(network.driver)) + " up");
    std::vector<UsedRange> addresses;
    ASSERT_TRUE(inside->inside.dump(list_addresses(), [&](const auto& message) {
      if (const auto range = address_range_of(message)) addresses.push_back(*range);
    }));
    std::vector<IpRange> ranges = {network.range};
    if (network.range6) ranges.push_back(*network.range6);
    for (const auto& range : ranges)
      EXPECT_TRUE(
          std::any_of(addresses.begin(), addresses.end(), [&](const auto& each) { return each.range == range; }));
    ASSERT_TRUE(host_->remove_inside(*inside, "eth0").has_value());
    EXPECT_EQ(kind_in(*inside, "eth0"), "");
    EXPECT_TRUE(host_->remove_inside(*inside, "eth0").has_value()) << "one that is gone is no error";
  }

  std::optional<NetworkVisit> visit_;
  std::optional<HostNetwork> host_;
};

TEST_F(Underlay, MacvlanInEachMode) {
  for (const char* mode : {"", "bridge", "private", "vepa", "passthru"}) {
    NetworkSpec network = lan(Driver::kMacvlan);
    network.underlay.mode = mode;
    connects(network);
    if (IsSkipped()) return;
  }
}

TEST_F(Underlay, IpvlanInEachMode) {
  for (const char* mode : {"", "l2", "l3", "l3s"}) {
    NetworkSpec network = lan(Driver::kIpvlan);
    network.underlay.mode = mode;
    network.underlay.flag = "private";
    connects(network);
    if (IsSkipped()) return;
  }
}

TEST_F(Underlay, AVlanComesAndGoesWithItsNetwork) {
  NetworkSpec network = lan(Driver::kMacvlan, "one.10");
  network.underlay.makes_parent = true;
  connects(network);
  if (IsSkipped()) {
    EXPECT_EQ(::if_nametoindex("one.10"), 0U) << "nothing is left of what failed";
    return;
  }
  EXPECT_NE(::if_nametoindex("one.10"), 0U);
  ASSERT_TRUE(host_->remove_parent(network).has_value());
  EXPECT_EQ(::if_nametoindex("one.10"), 0U);
  EXPECT_TRUE(host_->remove_parent(network).has_value());
}

TEST_F(Underlay, ADeviceThatLeadsNowhere) {
  NetworkSpec network = lan(Driver::kMacvlan, "dm-0000abcd");
  network.internal = true;
  network.underlay.makes_parent = true;
  connects(network);
}

TEST_F(Underlay, AParentThatIsMissingIsAnError) {
  const auto missing = host_->ensure_parent(lan(Driver::kMacvlan, "none0"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().what, "network lan: found no device none0 on this machine, which it is made of");
  // A device that was there stays there, whatever happens to its network.
  EXPECT_TRUE(host_->remove_parent(lan(Driver::kMacvlan)).has_value());
  EXPECT_NE(::if_nametoindex("one"), 0U);
}

}  // namespace
}  // namespace mete::runtime::network
