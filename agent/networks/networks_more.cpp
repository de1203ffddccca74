// SPDX-License-Identifier: Apache-2.0
// Further networks of a pod that runs.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "agent/networks/networks.h"

namespace mete::agent {
namespace {

using runtime::network::Endpoint;

tl::unexpected<Error> not_there(const std::string& what) {
  Error error = fail(what).value();
  error.code = ENOENT;
  return tl::unexpected(std::move(error));
}

// eth1, eth2, ...: the first that none of them has.
std::string next_inside(const Member& member) {
  const auto& more = member.more;
  for (unsigned number = 1;; ++number) {
    std::string name = "eth" + std::to_string(number);
    const auto has = [&](const Endpoint& each) { return each.inside == name; };
    if (!has(member.endpoint) && std::none_of(more.begin(), more.end(), has)) return name;
  }
}

}  // namespace

Members::Map::const_iterator Networks::find_pod(const std::string& pod) const {
  return std::find_if(members_.begin(), members_.end(), [&](const auto& each) {
    const auto& names = each.second.endpoint.names;
    return !names.empty() && names.front() == pod;
  });
}

std::string Networks::record_of_more(const std::string& uid, const std::string& network) const {
  return record_of(uid + "@" + network);
}

std::vector<Endpoint> Networks::further(const std::string& uid) const {
  const auto member = members_.find(uid);
  return member == members_.end() ? std::vector<Endpoint>() : member->second.more;
}

void Networks::attach_more(const std::string& uid, Endpoint endpoint, const Done& done) {
  if (is_of_plugins(endpoint.network)) {
    // What plugins have given in an earlier life they give anew.
    if (!endpoint.answer.empty()) {
      endpoint.answer.clear();
      endpoint.address = {};
      endpoint.address6.reset();
      endpoint.mac = {};
    }
    return attach_plugins(uid, endpoint, done);
  }
  const auto& spec = networks_.at(endpoint.network).spec;
  if (has_bridge(spec) && state_ != State::kUp)
    return when_up([this, uid, endpoint, done](const Status& up) {
      if (up && members_.contains(uid)) return attach_more(uid, endpoint, done);
      give_back(endpoint);
      done(up ? Status(fail("the pod ended meanwhile")) : up);
    });
  Member& member = members_.change(uid);
  // The kernel may not have removed the end of an earlier life yet.
  if (!has_parent(spec)) endpoint.device = new_end(thread_.end_prefix());
  member.more.push_back(endpoint);
  if (on_member_) on_member_();
  auto inside = std::make_shared<runtime::UniqueFd>(::fcntl(member.inside.get(), F_DUPFD_CLOEXEC, 0));
  thread_.connect({spec, endpoint, record_of_more(uid, endpoint.network), inside},
                  [this, uid, endpoint, done](const Result<runtime::UniqueFd>& connected) {
                    if (connected) return done({});
                    if (members_.contains(uid) && std::erase(members_.change(uid).more, endpoint) > 0)
                      give_back(endpoint);
                    done(tl::unexpected(connected.error()));
                  });
}

void Networks::connect_more(const std::string& pod, const std::string& network, const std::string& address, Done done) {
  const auto wanted = networks_.find(network);
  if (wanted == networks_.end()) return done(not_there("network " + network + ": found no network of that name"));
  const auto member = find_pod(pod);
  if (member == members_.end() || !member->second.inside.valid())
    return done(not_there("pod " + pod + ": found none of that name that is in a network, expected one that runs"));
  const Endpoint& own = member->second.endpoint;
  if (own.shared) return done(fail("pod " + pod + ": found it in the network of another pod, expected one of its own"));
  const auto same = [&](const Endpoint& each) { return each.network == network; };
  if (same(own) || std::any_of(member->second.more.begin(), member->second.more.end(), same))
    return done(fail("pod " + pod + ": found it in network " + network + " already"));
  Endpoint endpoint;
  endpoint.network = network;
  endpoint.names = own.names;
  const bool becomes_own = own.network == kNoNetwork;
  if (becomes_own && !has_bridge(wanted->second.spec))
    return done(fail("pod " + pod + ": found it in no network, and " + network + " of driver " +
                     to_string(wanted->second.spec.driver) + ", expected a bridge to be its own network"));
  endpoint.inside = becomes_own ? runtime::network::kInsideDevice : next_inside(member->second);
  if (becomes_own) endpoint.links = own.links;
  if (is_of_plugins(network)) {
    const auto asked = config::parse_ip(address);
    if (!address.empty() && (!asked || asked->v6))
      return done(fail("address: found \"" + address + "\", expected an IPv4 address"));
    if (asked) endpoint.address = *asked;
    return attach_more(member->first, std::move(endpoint), std::move(done));
  }
  if (auto taken = take_addresses(wanted->second, endpoint, address); !taken) return done(taken);
  if (wanted->second.spec.driver != runtime::network::Driver::kIpvlan)
    endpoint.mac = runtime::network::mac_of(endpoint.address);
  claim(endpoint, [this, uid = member->first, endpoint, becomes_own, done = std::move(done)](const Status& claimed) {
    const auto still = members_.find(uid);
    const bool goes_on = claimed && still != members_.end() && still->second.inside.valid();
    if (goes_on && becomes_own) return attach_own(uid, endpoint, done);
    if (goes_on) return attach_more(uid, endpoint, done);
    give_back(endpoint);
    done(claimed ? fail("pod: found it ended meanwhile") : claimed);
  });
}

void Networks::disconnect_more(const std::string& pod, const std::string& network, const Done& done) {
  const auto member = find_pod(pod);
  if (member == members_.end()) return done(not_there("pod " + pod + ": found none of that name that is in a network"));
  if (member->second.endpoint.network == network) {
    const auto& further = member->second.more;
    const auto next = std::find_if(further.begin(), further.end(),
                                   [&](const Endpoint& each) { return can_leave(pod, each.network).has_value(); });
    return leave(pod, next == further.end() ? std::string() : next->network, done);
  }
  const std::string uid = member->first;
  auto& more = members_.change(uid).more;
  const auto at = std::find_if(more.begin(), more.end(), [&](const Endpoint& each) { return each.network == network; });
  if (at == more.end()) return done(not_there("pod " + pod + ": found it not in network " + network));
  const Endpoint endpoint = *at;
  more.erase(at);
  if (is_of_plugins(network)) {
    (void)::unlink(record_of_more(uid, network).c_str());
    return cni_.remove(uid, network, done);
  }
  std::shared_ptr<runtime::UniqueFd> inside;
  if (is_on_parent(endpoint))
    inside = std::make_shared<runtime::UniqueFd>(::fcntl(member->second.inside.get(), F_DUPFD_CLOEXEC, 0));
  // The address is free when nobody answers for it any more.
  thread_.detach(endpoint, record_of_more(uid, network), inside, [this, endpoint, done](const Status& gone) {
    give_back(endpoint);
    done(gone);
  });
}

std::vector<Networks::Use> Networks::uses() const {
  std::vector<Use> all;
  for (const auto& [name, network] : networks_) {
    Use use{name, 0, 0, network.addresses.used(), network.addresses.size()};
    if (is_of_plugins(name)) use.addresses = use.most_addresses = 0;
    for (const auto& each : members_of(name)) {
      ++use.pods;
      use.ports += each.ports.size();
    }
    all.push_back(std::move(use));
  }
  return all;
}

}  // namespace mete::agent
