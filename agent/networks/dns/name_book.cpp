// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/dns/name_book.h"

#include <set>

namespace mete::agent {

std::string_view space_of(const std::vector<std::string>& names) {
  if (names.empty()) return {};
  const std::string_view full = names.front();
  return full.substr(0, full.find('/'));
}

NameBook::NameBook(const Members& members) {
  for (const auto& [uid, member] : members) {
    const auto own = [&, &uid = uid](const runtime::network::Endpoint& endpoint) {
      if (!member.endpoint.shared && endpoint.address != config::IpAddress{})
        owners_.try_emplace(endpoint.address, uid);
      if (!member.endpoint.shared && endpoint.address6) owners_.try_emplace(*endpoint.address6, uid);
      add(endpoint);
    };
    own(member.endpoint);
    for (const auto& each : member.more) own(each);
  }
}

void NameBook::add(const runtime::network::Endpoint& endpoint) {
  if (endpoint.address == config::IpAddress{}) return;
  const Called called{std::string(space_of(endpoint.names)), endpoint.address, endpoint.address6};
  auto& names = networks_[endpoint.network];
  for (const auto& name : std::set<std::string_view>(endpoint.names.begin(), endpoint.names.end()))
    names[std::string(name)].push_back(called);
}

const std::string* NameBook::owner_of(const config::IpAddress& address) const {
  const auto at = owners_.find(address);
  return at == owners_.end() ? nullptr : &at->second;
}

const std::vector<NameBook::Called>& NameBook::called(const std::string& network, const std::string& name) const {
  static const std::vector<Called> kNobody;
  const auto names = networks_.find(network);
  if (names == networks_.end()) return kNobody;
  const auto at = names->second.find(name);
  return at == names->second.end() ? kNobody : at->second;
}

}  // namespace mete::agent
