// SPDX-License-Identifier: Apache-2.0
// What a VXLAN device is told of other machines.
#include "runtime/network/vxlan.h"

#include <gtest/gtest.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

namespace mete::runtime::network {
namespace {

using config::parse_ip;

RemoteEntry entry(const std::string& address, const std::string& vtep) {
  return {mac_of(*parse_ip(address)), *parse_ip(vtep), *parse_ip(address)};
}

struct Written {
  unsigned type = 0;
  struct ndmsg head {};
  bool operator==(const Written& other) const {
    return type == other.type && head.ndm_family == other.head.ndm_family && head.ndm_flags == other.head.ndm_flags &&
           head.ndm_state == other.head.ndm_state;
  }
};

std::vector<Written> written(const std::vector<Message>& messages) {
  std::vector<Written> all;
  for (const auto& each : messages) {
    Written each_one;
    each_one.type = each.type();
    std::memcpy(&each_one.head, each.bytes().data() + NLMSG_HDRLEN, sizeof each_one.head);
    EXPECT_EQ(each_one.head.ndm_ifindex, 7);
    all.push_back(each_one);
  }
  return all;
}

Written one(unsigned type, unsigned char family, unsigned flags, unsigned state) {
  Written each;
  each.type = type;
  each.head.ndm_family = family;
  each.head.ndm_flags = static_cast<__u8>(flags);
  each.head.ndm_state = static_cast<__u16>(state);
  return each;
}

TEST(Vxlan, ItsNameFollowsTheBridges) {
  NetworkSpec spec;
  spec.device = "mtb0a0b0c0d";
  EXPECT_EQ(vxlan_device(spec), "mtx0a0b0c0d");
  EXPECT_EQ(vxlan_overhead(false), 50U);
  EXPECT_EQ(vxlan_overhead(true), 70U);
}

TEST(Vxlan, APodElsewhereIsThreeEntries) {
  const auto messages = change_entries(7, {}, entries_of({entry("10.90.0.2", "192.0.2.1")}, 0));
  EXPECT_EQ(written(messages), (std::vector<Written>{one(RTM_NEWNEIGH, PF_BRIDGE, NTF_SELF, NUD_PERMANENT | NUD_NOARP),
                                                     one(RTM_NEWNEIGH, PF_BRIDGE, NTF_MASTER, NUD_NOARP),
                                                     one(RTM_NEWNEIGH, AF_INET, 0, NUD_PERMANENT)}));
}

TEST(Vxlan, BothAddressesOfAPodShareItsForwarding) {
  auto v6 = entry("10.90.0.2", "192.0.2.1");
  v6.address = *parse_ip("fd00:90::2");
  const auto all = entries_of({entry("10.90.0.2", "192.0.2.1"), v6}, 0);
  EXPECT_EQ(all.forward.size(), 1U);
  EXPECT_EQ(all.neighbours.size(), 2U);
}

TEST(Vxlan, OnlyWhatDiffersIsWritten) {
  const auto before = entries_of({entry("10.90.0.2", "192.0.2.1"), entry("10.90.0.3", "192.0.2.1")}, 0);
  EXPECT_TRUE(change_entries(7, before, before).empty());
  EXPECT_EQ(change_entries(7, before, {}).size(), 6U);
  // A pod that is on another machine now: its address stays, and the old way goes before the new one comes.
  const auto after = entries_of({entry("10.90.0.2", "192.0.2.2"), entry("10.90.0.3", "192.0.2.1")}, 0);
  EXPECT_EQ(written(change_entries(7, before, after)),
            (std::vector<Written>{one(RTM_DELNEIGH, PF_BRIDGE, NTF_SELF, NUD_PERMANENT | NUD_NOARP),
                                  one(RTM_DELNEIGH, PF_BRIDGE, NTF_MASTER, NUD_NOARP),
                                  one(RTM_NEWNEIGH, PF_BRIDGE, NTF_SELF, NUD_PERMANENT | NUD_NOARP),
                                  one(RTM_NEWNEIGH, PF_BRIDGE, NTF_MASTER, NUD_NOARP)}));
}

class VxlanOf : public ::testing::TestWithParam<int> {};  // by which device
INSTANTIATE_TEST_SUITE_P(Vxlan, VxlanOf, ::testing::Values(0, 12));

TEST_P(VxlanOf, WhatTheKernelHasIsReadBack) {
  const auto wanted = entries_of({entry("10.90.0.2", "192.0.2.1"), entry("10.90.0.3", "192.0.2.2")}, GetParam());
  VxlanEntries read;
  for (const auto& each : change_entries(7, {}, wanted)) {
    std::string bytes = each.bytes();
    const auto* const message = static_cast<const struct nlmsghdr*>(static_cast<const void*>(bytes.data()));
    take_entry(*message, 7, read);
    VxlanEntries of_another;
    take_entry(*message, 8, of_another);
    EXPECT_EQ(of_another, VxlanEntries{});
  }
  EXPECT_EQ(read, wanted);
}

TEST(Vxlan, AnEntryByAnotherWayIsAnotherOne) {
  const RemoteEntries one = {entry("10.90.0.2", "192.0.2.1")};
  EXPECT_TRUE(change_entries(7, entries_of(one, 12), entries_of(one, 12)).empty());
  // Only the forwarding differs, not the neighbour: removed, and made again.
  EXPECT_EQ(change_entries(7, entries_of(one, 0), entries_of(one, 12)).size(), 4U);
}

}  // namespace
}  // namespace mete::runtime::network
