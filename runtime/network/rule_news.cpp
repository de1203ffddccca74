// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/rule_news.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>

namespace mete::runtime::network {
namespace {

// The name of the table is the first attribute of tables, chains, rules, sets and elements alike.
constexpr unsigned kTableAttribute = NFTA_TABLE_NAME;
static_assert(NFTA_CHAIN_TABLE == kTableAttribute && NFTA_RULE_TABLE == kTableAttribute &&
              NFTA_SET_TABLE == kTableAttribute && NFTA_SET_ELEM_LIST_TABLE == kTableAttribute);

}  // namespace

std::optional<std::string> RuleNews::take(std::string_view datagram) {
  std::optional<std::string> who;
  while (datagram.size() >= sizeof(struct nlmsghdr)) {
    struct nlmsghdr head {};
    std::memcpy(&head, datagram.data(), sizeof head);
    if (head.nlmsg_len < NLMSG_HDRLEN + sizeof(struct nfgenmsg) || head.nlmsg_len > datagram.size()) break;
    const auto attributes = attributes_in(datagram.substr(NLMSG_HDRLEN + sizeof(struct nfgenmsg),
                                                          head.nlmsg_len - NLMSG_HDRLEN - sizeof(struct nfgenmsg)));
    const bool rules = head.nlmsg_type >> 8U == NFNL_SUBSYS_NFTABLES;
    if (rules && (head.nlmsg_type & 0xFFU) == NFT_MSG_NEWGEN) {
      std::string name;
      std::uint32_t pid = 0;
      for (const auto& each : attributes) {
        if (each.type == NFTA_GEN_PROC_NAME) name = each.text();
        if (each.type == NFTA_GEN_PROC_PID) pid = ntohl(each.u32());
      }
      if (std::exchange(touched_, false) && name != own_) who = name + " (" + std::to_string(pid) + ")";
    } else if (rules) {
      for (const auto& each : attributes) touched_ |= each.type == kTableAttribute && each.text() == table_;
    }
    datagram.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), datagram.size()));
  }
  return who;
}

Result<UniqueFd> open_rule_news() {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  const int group = NFNLGRP_NFTABLES;
  // Without a number of its own a socket hears nothing: the kernel leaves out the one that has its own number, 0.
  struct sockaddr_nl own {};
  own.nl_family = AF_NETLINK;
  if (!socket.valid() ||
      ::bind(socket.get(), static_cast<const sockaddr*>(static_cast<const void*>(&own)), sizeof own) != 0 ||
      ::setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
    return fail_errno("hear of changes of the rules of nftables");
  return socket;
}

}  // namespace mete::runtime::network
