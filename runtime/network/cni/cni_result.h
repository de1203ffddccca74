// SPDX-License-Identifier: Apache-2.0
// What a plugin answers to ADD, and what it says when it fails. Source: CNI specification 1.1.0, section 5. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/network/network_spec.h"

namespace mete::runtime::network::cni {

struct ResultInterface {
  std::string name;
  std::string mac;
  std::string sandbox;  // the namespace that it is in; empty: the machine's
};
struct ResultAddress {
  IpAddress address;
  unsigned length = 0;
  std::optional<IpAddress> gateway;
  std::optional<std::size_t> interface;  // its place in the list of interfaces
};
struct ResultDns {
  std::vector<std::string> nameservers;
  std::string domain;
  std::vector<std::string> search;
  std::vector<std::string> options;
};
struct AddResult {
  std::vector<ResultInterface> interfaces;
  std::vector<ResultAddress> addresses;
  ResultDns dns;
  std::string text;  // all of it, JSON, with `version` as its cniVersion
};

// `shown`: the plugin, for errors. `version`: the one that was asked for.
[[nodiscard]] Result<AddResult> parse_result(const std::string& text, const std::string& version,
                                             const std::string& shown);

// Takes what it says of the endpoint's own device: its addresses and hardware address.
void apply_result(const AddResult& result, Endpoint& endpoint);

// What an answer of plugins says of one of its addresses; empty: nothing.
[[nodiscard]] std::optional<ResultAddress> address_in(const std::string& answer, const IpAddress& address);

// The lines of /etc/resolv.conf for it.
[[nodiscard]] std::string resolv_text(const ResultDns& dns);

// What a plugin that failed has written, as a sentence without its end. `output` and `errors`: of its two streams.
[[nodiscard]] std::string failure_of(const std::string& output, const std::string& errors, int code);

}  // namespace mete::runtime::network::cni
