// SPDX-License-Identifier: Apache-2.0
// Who has which address, and who is called how in which network: what questions for names ask of this machine's pods.
// Pure. Made of all members at once, and made again when one of them has changed: a question then takes as long with a
// thousand pods as with ten. To look through all of them for each question took 0.3 ms of the loop with 800.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/networks/members.h"
#include "config/values/ip_address.h"

namespace mete::agent {

// The namespace of a pod that has these names: "default" of {"default/web", "web"}.
[[nodiscard]] std::string_view space_of(const std::vector<std::string>& names);

class NameBook {
 public:
  struct Called {
    std::string space;
    config::IpAddress address;
    std::optional<config::IpAddress> address6;
  };

  explicit NameBook(const Members& members);

  // The uid of the pod whose own address that is, in whichever network; null: nobody's.
  [[nodiscard]] const std::string* owner_of(const config::IpAddress& address) const;
  // Pods with an address in the network that are called so there; "default/web" is a name of each.
  [[nodiscard]] const std::vector<Called>& called(const std::string& network, const std::string& name) const;

 private:
  void add(const runtime::network::Endpoint& endpoint);

  std::map<config::IpAddress, std::string> owners_;
  using Names = std::unordered_map<std::string, std::vector<Called>>;
  std::map<std::string, Names> networks_;
};

}  // namespace mete::agent
