// SPDX-License-Identifier: Apache-2.0
// Names: where pods ask for them, and what they are told.
#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "agent/base/event_reasons.h"
#include "agent/networks/dns/member_names.h"
#include "agent/networks/endpoint_record.h"
#include "agent/networks/networks.h"
#include "runtime/file.h"
#include "runtime/network/inner_resolver.h"

namespace mete::agent {

using runtime::network::Endpoint;

void Networks::names_failed(const Error& error) {
  if (std::exchange(names_failed_, true)) return;
  services_.events.add({.severity = Severity::kWarning,
                        .reason = name_of(Reason::kNetworkFailed),
                        .message = "Pods do not find each other by name: " + error.what});
}

void Networks::answer_names() {
  for (const auto& spec : all_networks()) {
    const auto listening = dns_.listen(runtime::network::gateway_of(spec));
    if (!listening) names_failed(listening.error());
  }
}

// A record that cannot be written has the names of before, for an agent that starts anew.
void Networks::call_anew(const std::string& uid, const config::Pod& pod) {
  if (!members_.contains(uid)) return;
  Member& member = members_.change(uid);
  // In another pod's network it is known by its key alone (networks_shared.cpp).
  if (member.endpoint.shared) return;
  member.endpoint.names = names_of(pod);
  const auto keep = [](const Endpoint& endpoint, const std::string& record) {
    (void)runtime::replace_file(record, to_json(endpoint), 0600, runtime::Durability::volatile_);
  };
  keep(member.endpoint, record_of(uid));
  for (Endpoint& each : member.more) {
    each.names = member.endpoint.names;
    keep(each, record_of_more(uid, each.network));
  }
  if (on_member_) on_member_();
}

// Where no address of this machine is in reach, it is asked inside the pod. A pod that cannot be answered starts all
// the same, with the machine's servers.
void Networks::answer_inside(const std::string& uid, const Done& done) {
  const auto member = members_.find(uid);
  const bool asks = member != members_.end() && member->second.endpoint.device.empty() &&
                    !member->second.endpoint.shared && !resolver_of_plugins(uid);
  if (!asks) return done({});
  auto inside = std::make_shared<runtime::UniqueFd>(::fcntl(member->second.inside.get(), F_DUPFD_CLOEXEC, 0));
  thread_.open_resolver(inside, [this, uid, life = member->second.life, done](Result<runtime::UniqueFd> socket) {
    const auto still = members_.find(uid);
    // Disconnected meanwhile, or connected again.
    if (still == members_.end() || still->second.life != life) return;
    if (socket) {
      dns_.listen_inside(uid, std::move(*socket));
    } else {
      names_failed(socket.error());
    }
    done({});
  });
}

// The pod whose socket the pod asks: its own, or that of the pod whose network it is in.
std::string Networks::who_answers(const std::string& uid) const {
  const auto& own = members_.at(uid).endpoint;
  if (!own.shared) return uid;
  const auto is_owner = [&](const auto& each) {
    const Endpoint& other = each.second.endpoint;
    return !other.shared && other.network == own.network && other.address == own.address && other.mac == own.mac;
  };
  const auto owner = std::find_if(members_.begin(), members_.end(), is_owner);
  return owner == members_.end() ? std::string() : owner->first;
}

std::string Networks::resolver(const std::string& uid) const {
  const auto* const own = endpoint(uid);
  const auto network = own == nullptr ? networks_.end() : networks_.find(own->network);
  if (network == networks_.end()) return {};
  if (own->device.empty())
    return dns_.listens_inside(who_answers(uid)) ? to_string(runtime::network::kInnerResolver) : std::string();
  const auto gateway = runtime::network::gateway_of(network->second.spec);
  return dns_.listens(gateway) ? to_string(gateway) : std::string();
}

const NameBook& Networks::book() const {
  if (!book_ || book_version_ != members_.version()) book_.emplace(members_);
  book_version_ = members_.version();
  return *book_;
}

const Member* Networks::asker_of(const DnsResponder::Asker& asker) const {
  const std::string* const uid = asker.member.empty() ? book().owner_of(asker.address) : &asker.member;
  const auto member = uid == nullptr ? members_.end() : members_.find(*uid);
  return member == members_.end() ? nullptr : &member->second;
}

std::optional<DnsResponder::Found> Networks::find_name(const DnsResponder::Asker& asker,
                                                       const std::string& name) const {
  const Member* const who = asker_of(asker);
  if (who == nullptr || who->endpoint.names.empty()) return std::nullopt;
  auto service = find_of_services(*who, name);
  // One without a pod in the asker's networks may be a pod's name there, as a name of docker's networks is.
  const bool leads = service && !(service->addresses.empty() && service->alias.empty() && service->services.empty());
  if (service && (leads || who->endpoint.network == kDefaultNetwork)) return service;
  // What it alone calls so; it may not run now.
  if (const auto link = who->endpoint.links.find(name); link != who->endpoint.links.end())
    return DnsResponder::Found{find_pods(*who, link->second), {}, {}};
  auto pods = find_pods(*who, name);
  // The Service's name is nobody else's: no server of the machine is asked for it.
  if (pods.empty()) return service;
  return DnsResponder::Found{std::move(pods), {}, {}};
}

std::vector<config::IpAddress> Networks::find_pods(const Member& asker, const std::string& name) const {
  std::set<std::string> networks = {asker.endpoint.network};
  for (const auto& each : asker.more) networks.insert(each.network);
  // Of several pods of that name those of the asker's own namespace.
  std::vector<config::IpAddress> near;
  std::vector<config::IpAddress> all;
  const auto take = [&](std::string_view space, const auto& each) {
    for (auto* const list : {&all, space == space_of(asker.endpoint.names) ? &near : nullptr}) {
      if (list == nullptr) continue;
      list->push_back(each.address);
      if (each.address6) list->push_back(*each.address6);
    }
  };
  for (const auto& network : networks) {
    for (const auto& each : book().called(network, name)) take(each.space, each);
    for (const auto& each : called_elsewhere(network, name)) take(space_of(each.names), each);
  }
  return near.empty() ? all : near;
}

}  // namespace mete::agent
