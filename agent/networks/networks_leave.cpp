// SPDX-License-Identifier: Apache-2.0
// A pod that runs leaves its own network, and comes into another one. Its namespace goes on.
//
// What is asked of a pod's own network stands at one place, Member::endpoint: names, ports, the way out. So a further
// network of the pod becomes its own. A pod that is in no network keeps an endpoint of network "none": its namespace
// waits for the next network.
#include <fcntl.h>

#include <algorithm>
#include <memory>

#include "agent/networks/endpoint_record.h"
#include "agent/networks/networks.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using runtime::network::Endpoint;

Endpoint outside(const Endpoint& own) {
  Endpoint none;
  none.network = kNoNetwork;
  none.names = own.names;
  none.links = own.links;
  return none;
}

auto find_end(const std::vector<Endpoint>& ends, const std::string& network) {
  return std::find_if(ends.begin(), ends.end(), [&](const Endpoint& each) { return each.network == network; });
}

std::shared_ptr<runtime::UniqueFd> copy_of(const runtime::UniqueFd& inside) {
  return std::make_shared<runtime::UniqueFd>(::fcntl(inside.get(), F_DUPFD_CLOEXEC, 0));
}

}  // namespace

Status Networks::can_leave(const std::string& pod, const std::string& next) const {
  const auto member = find_pod(pod);
  if (member == members_.end() || !member->second.inside.valid())
    return fail("pod " + pod + ": found none of that name that is in a network, expected one that runs");
  const auto is_bridge = [&](const std::string& name) {
    const auto network = networks_.find(name);
    return network != networks_.end() && has_bridge(network->second.spec);
  };
  const Endpoint& own = member->second.endpoint;
  if (own.shared || !is_bridge(own.network))
    return fail("pod " + pod + ": found " + own.network +
                " to be its own network, which ends with the pod, expected a bridge or a further network");
  if (!next.empty() && (find_end(member->second.more, next) == member->second.more.end() || !is_bridge(next)))
    return fail("pod " + pod + ": found no bridge in its further network " + next +
                ", expected one that can be its own from now on");
  return {};
}

void Networks::leave(const std::string& pod, const std::string& next, const Done& done) {
  if (auto can = can_leave(pod, next); !can) return done(can);
  const std::string uid = find_pod(pod)->first;
  Member& member = members_.change(uid);
  const Endpoint left = member.endpoint;
  Endpoint now = outside(left);
  std::optional<NetworkSpec> spec;
  if (const auto at = find_end(member.more, next); at != member.more.end()) {
    now = *at;
    now.links = left.links;
    spec = networks_.at(next).spec;
    member.more.erase(at);
  }
  member.endpoint = now;
  take_along(left, now);
  claims_.give_up(uid);  // the pod publishes them where it is now (on_moved())
  if (on_member_) on_member_();
  thread_.leave({left, now, spec, record_of(uid), record_of_more(uid, next), copy_of(member.inside)},
                [this, uid, left, done](const Status& gone) {
                  give_back(left);
                  moved(uid);
                  done(gone);
                });
}

// Those that are in its namespace are where it is.
void Networks::take_along(const Endpoint& before, const Endpoint& now) {
  for (const auto& [uid, each] : members_) {
    const Endpoint& old = each.endpoint;
    if (!old.shared || old.network != before.network || old.address != before.address) continue;
    Endpoint with = now;
    with.shared = true;
    with.names = old.names;
    with.ports.clear();
    with.bandwidth = {};
    members_.change(uid).endpoint = with;
    (void)runtime::replace_file(record_of(uid), to_json(with), 0600, runtime::Durability::volatile_);
  }
}

void Networks::moved(const std::string& uid) {
  if (!on_moved_ || !members_.contains(uid)) return;
  const Endpoint own = members_.at(uid).endpoint;
  std::vector<std::string> pods;
  for (const auto& [other, each] : members_) {
    const Endpoint& end = each.endpoint;
    const bool with = end.shared && end.network == own.network && end.address == own.address;
    if ((other == uid || with) && !end.names.empty()) pods.push_back(end.names.front());
  }
  for (const auto& each : pods) on_moved_(each);
}

void Networks::attach_own(const std::string& uid, Endpoint endpoint, const Done& done) {
  if (state_ != State::kUp)
    return when_up([this, uid, endpoint, done](const Status& up) {
      if (up && members_.contains(uid)) return attach_own(uid, endpoint, done);
      give_back(endpoint);
      done(up ? Status(fail("the pod ended meanwhile")) : up);
    });
  Member& member = members_.change(uid);
  endpoint.device = new_end(thread_.end_prefix());
  const Endpoint before = member.endpoint;
  member.endpoint = endpoint;
  take_along(before, endpoint);
  if (on_member_) on_member_();
  thread_.connect({networks_.at(endpoint.network).spec, endpoint, record_of(uid), copy_of(member.inside)},
                  [this, uid, endpoint, before, done](const Result<runtime::UniqueFd>& connected) {
                    if (connected) {
                      moved(uid);
                      return done({});
                    }
                    if (members_.contains(uid)) {
                      members_.change(uid).endpoint = before;
                      take_along(endpoint, before);
                      (void)runtime::replace_file(record_of(uid), to_json(before), 0600,
                                                  runtime::Durability::volatile_);
                    }
                    give_back(endpoint);
                    done(tl::unexpected(connected.error()));
                  });
}

}  // namespace mete::agent
