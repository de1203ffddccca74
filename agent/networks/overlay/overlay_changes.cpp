// SPDX-License-Identifier: Apache-2.0
// What this machine writes into etcd: each time a transaction that holds only where nobody was faster.
#include <algorithm>
#include <cerrno>

#include "agent/networks/overlay/overlay_store.h"

namespace mete::agent {
namespace {

using etcd::Condition;
using etcd::Operation;
using etcd::Transaction;

tl::unexpected<Error> coded(int code, const std::string& what) {
  Error error = fail(what).value();
  error.code = code;
  return tl::unexpected(std::move(error));
}

Operation put_member(const std::string& prefix, const OverlayMember& member, etcd::LeaseId lease) {
  return {Operation::Does::kPut, member_key(prefix, {member.network, member.address}), to_json(member), lease};
}

// Of this machine's record: as it was read, or none.
Condition unchanged_host(const std::string& prefix, const OverlayRecords& records, const std::string& host) {
  const auto before = records.hosts.find(host);
  const std::string key = host_key(prefix, host);
  if (before == records.hosts.end()) return {Condition::Is::kAbsent, key};
  return {Condition::Is::kValue, key, to_json(before->second)};
}

Operation put_host(const std::string& prefix, const OverlayHost& host, etcd::LeaseId lease) {
  return {Operation::Does::kPut, host_key(prefix, host.host), to_json(host), lease};
}

}  // namespace

Transaction network_transaction(const std::string& prefix, const OverlayNetwork& network) {
  const std::string key = network_key(prefix, network.name);
  const std::string number = number_key(prefix, network.vni);
  return {{{Condition::Is::kAbsent, key}, {Condition::Is::kAbsent, number}},
          {{Operation::Does::kPut, key, to_json(network)}, {Operation::Does::kPut, number, network.name}},
          {{Operation::Does::kGet, key}}};
}

std::vector<Transaction> put_back_plan(const std::string& prefix, const OverlayRecords& records, const OwnRecords& own,
                                       const std::string& host, etcd::LeaseId lease) {
  std::vector<Transaction> plan;
  for (const auto& [place, member] : records.members) {
    const auto same = [&, at = &place](const OverlayMember& each) {
      return each.network == at->first && each.address == at->second;
    };
    if (member.host != host || std::any_of(own.members.begin(), own.members.end(), same)) continue;
    const std::string key = member_key(prefix, place);
    plan.push_back({{{Condition::Is::kValue, key, to_json(member)}}, {{Operation::Does::kRemove, key}}});
  }
  // Before the pods, which are reached by it.
  const std::string own_key = host_key(prefix, host);
  if (own.host)
    plan.push_back({{unchanged_host(prefix, records, host)},
                    {put_host(prefix, *own.host, lease)},
                    {{Operation::Does::kGet, own_key}}});
  if (!own.host && records.hosts.contains(host))
    plan.push_back({{unchanged_host(prefix, records, host)}, {{Operation::Does::kRemove, own_key}}});
  for (const auto& each : own.networks) {
    if (!records.networks.contains(each.name)) plan.push_back(network_transaction(prefix, each));
  }
  for (const auto& each : own.members) {
    const auto before = records.members.find({each.network, each.address});
    const std::string key = member_key(prefix, {each.network, each.address});
    Condition condition{Condition::Is::kAbsent, key};
    // Written again also where it is the same: it may hang on an earlier lease.
    if (before != records.members.end() && before->second.host == host)
      condition = {Condition::Is::kValue, key, to_json(before->second)};
    plan.push_back({{condition}, {put_member(prefix, each, lease)}, {{Operation::Does::kGet, key}}});
  }
  return plan;
}

void OverlayStore::transact(const Transaction& transaction, std::function<void(Result<etcd::Outcome>)> done) {
  client_.ask("kv/txn", etcd::request_of(transaction),
              alive_.guard_value([done = std::move(done)](const Result<std::string>& answer) {
                if (!answer) return done(tl::unexpected(answer.error()));
                done(etcd::parse_outcome(*answer));
              }));
}

void OverlayStore::create(OverlayNetwork network, Created done) {
  if (!asked_) return waiting_.push_back([this, network, done] { create(network, done); });
  if (!connected_) return done(unreachable());
  create_numbered(std::move(network), kFirstVni, done);
}

void OverlayStore::create_numbered(OverlayNetwork network, std::uint32_t from, const Created& done) {
  const auto number = next_vni(records_, from);
  if (!number) return done(fail("network " + network.name + ": found all numbers of VXLAN taken"));
  network.vni = *number;
  transact(network_transaction(prefix(), network), [this, network, done](const Result<etcd::Outcome>& outcome) {
    if (!outcome) return done(tl::unexpected(outcome.error()));
    if (!outcome->succeeded && outcome->found.empty()) {
      // The number went to a network that we have not heard of yet.
      return create_numbered(network, network.vni + 1, done);
    }
    if (!outcome->succeeded)
      return done(coded(EEXIST, "network " + network.name + ": found one of that name in etcd, expected a free name"));
    records_.networks[network.name] = network;
    done(network);
  });
}

void OverlayStore::remove(const std::string& name, Done done) {
  if (!connected_) return done(unreachable());
  const auto network = records_.networks.find(name);
  if (network == records_.networks.end()) return done({});
  const std::string members = members_key(prefix(), name);
  const Transaction transaction{{{Condition::Is::kNoneBelow, members}},
                                {{Operation::Does::kRemove, network_key(prefix(), name)},
                                 {Operation::Does::kRemove, number_key(prefix(), network->second.vni)}},
                                {{Operation::Does::kGet, members, {}, 0, true}}};
  transact(transaction, [this, name, done](const Result<etcd::Outcome>& outcome) {
    if (!outcome) return done(tl::unexpected(outcome.error()));
    if (outcome->succeeded) {
      records_.networks.erase(name);
      return done({});
    }
    for (const auto& each : outcome->found) (void)take_change({false, each});
    const auto left = members_elsewhere(records_, name, host_);
    std::string example;
    if (!left.empty()) example = ", such as " + left.front().names.front() + " on " + to_string(left.front().vtep);
    done(fail("network " + name + ": found " + std::to_string(outcome->found.size()) + " pods in it on other machines" +
              example + ", expected none"));
  });
}

void OverlayStore::claim(OverlayMember member, Done done) {
  const OverlayRecords::Place place = {member.network, member.address};
  const auto before = records_.members.find(place);
  const bool own = before != records_.members.end() && before->second.host == host_;
  if (own && before->second == member) return asio::post(services_.loop, alive_.guard([done] { done({}); }));
  if (!asked_) return waiting_.push_back([this, member, done] { claim(member, done); });
  if (!connected_) return done(unreachable());
  const std::string key = member_key(prefix(), place);
  const std::string network = network_key(prefix(), member.network);
  Condition free{Condition::Is::kAbsent, key};
  if (own) free = {Condition::Is::kValue, key, to_json(before->second)};
  Transaction transaction{{{Condition::Is::kPresent, network}, free},
                          {put_member(prefix(), member, lease_)},
                          {{Operation::Does::kGet, key}, {Operation::Does::kGet, network}}};
  const auto known = records_.networks.find(member.network);
  const bool encrypted = known != records_.networks.end() && known->second.encrypted;
  const auto host = encrypted ? owner_.host() : std::nullopt;
  // In the same moment: nobody knows the pod and not how to reach it.
  if (host) transaction.then.push_back(put_host(prefix(), *host, lease_));
  transact(transaction, [this, member, place, network, host, done](const Result<etcd::Outcome>& outcome) {
    if (!outcome) return done(tl::unexpected(outcome.error()));
    if (outcome->succeeded) {
      if (host) records_.hosts[host_] = *host;
      records_.members[place] = member;
      return done({});
    }
    const auto& found = outcome->found;
    for (const auto& each : found) (void)take_change({false, each});
    if (std::none_of(found.begin(), found.end(), [&](const auto& each) { return each.key == network; }))
      return done(coded(ENOENT, "network " + place.first + ": found it removed from etcd"));
    const auto other = records_.members.find(place);
    done(coded(EEXIST, "address " + to_string(place.second) + ": found it with " +
                           (other == records_.members.end()
                                ? "another machine"
                                : other->second.names.front() + " on " + to_string(other->second.vtep)) +
                           ", expected a free one"));
  });
}

void OverlayStore::withdraw_host() {
  if (!records_.hosts.contains(host_)) return;
  const Transaction transaction{{unchanged_host(prefix(), records_, host_)},
                                {{Operation::Does::kRemove, host_key(prefix(), host_)}}};
  records_.hosts.erase(host_);
  // Where etcd does not answer, the next start removes it.
  if (connected_) transact(transaction, [](const Result<etcd::Outcome>&) {});
}

void OverlayStore::release(const OverlayRecords::Place& place) {
  const auto before = records_.members.find(place);
  if (before == records_.members.end() || before->second.host != host_) return;
  const std::string key = member_key(prefix(), place);
  const Transaction transaction{{{Condition::Is::kValue, key, to_json(before->second)}},
                                {{Operation::Does::kRemove, key}}};
  records_.members.erase(before);
  // Where etcd does not answer, the next start removes it.
  if (connected_) transact(transaction, [](const Result<etcd::Outcome>&) {});
}

}  // namespace mete::agent
