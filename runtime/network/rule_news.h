// SPDX-License-Identifier: Apache-2.0
// Who has changed the rules (nfnetlink's group NFNLGRP_NFTABLES): the kernel tells each object of a transaction, and
// then whose transaction it was. Pure, but for the socket.
#pragma once

#include <optional>
#include <string>

#include "runtime/network/netlink.h"

namespace mete::runtime::network {

class RuleNews {
 public:
  // `own`: the name of the thread that writes the rules itself.
  RuleNews(std::string table, std::string own) : table_(std::move(table)), own_(std::move(own)) {}

  // Takes one datagram. Who has changed a table of this name, other than ourselves: "nft (4711)"; empty: nobody.
  [[nodiscard]] std::optional<std::string> take(std::string_view datagram);

 private:
  std::string table_;
  std::string own_;
  bool touched_ = false;  // by the transaction that is being told
};

// A socket that hears of all changes; reads do not wait.
[[nodiscard]] Result<UniqueFd> open_rule_news();

}  // namespace mete::runtime::network
