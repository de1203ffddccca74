// SPDX-License-Identifier: Apache-2.0
// Pods whose bandwidth is limited: how much, and what that does.
#include <utility>

#include "agent/base/event_reasons.h"
#include "agent/networks/networks.h"

namespace mete::agent {
namespace {

using runtime::network::QueueCounts;

}  // namespace

void Networks::hold(const std::string& uid, const runtime::network::Bandwidth& bandwidth, Done done) {
  const auto member = members_.find(uid);
  if (member == members_.end() || member->second.endpoint.shared) return done({});
  const auto& endpoint = member->second.endpoint;
  if (endpoint.bandwidth == bandwidth || endpoint.network == kNoNetwork) return done({});
  const auto network = networks_.find(endpoint.network);
  if (network == networks_.end() || !has_bridge(network->second.spec))
    return done(fail("bandwidth: found network " + endpoint.network +
                     ", which is no bridge, expected one: of others it does not change while a pod runs"));
  const auto before = std::exchange(members_.change(uid).endpoint.bandwidth, bandwidth);
  // What is being connected is held then.
  if (!member->second.inside.valid()) return done({});
  thread_.hold(endpoint, record_of(uid), [this, uid, before, bandwidth, done](const Status& held) {
    const auto now = members_.find(uid);
    if (!held && now != members_.end() && now->second.endpoint.bandwidth == bandwidth)
      members_.change(uid).endpoint.bandwidth = before;
    done(held);
  });
}

std::vector<Networks::LimitedUse> Networks::limited() const {
  std::vector<LimitedUse> all;
  for (const auto& [uid, member] : members_) {
    if (member.endpoint.bandwidth != runtime::network::Bandwidth{} && !member.endpoint.names.empty())
      all.push_back({member.endpoint.names.front(), member.endpoint.bandwidth, member.throttling});
  }
  return all;
}

void Networks::measure() {
  std::vector<std::string> uids;
  NetworkThread::Endpoints limited;
  for (const auto& [uid, member] : members_) {
    if (member.endpoint.bandwidth == runtime::network::Bandwidth{} || !member.inside.valid()) continue;
    uids.push_back(uid);
    limited.push_back(member.endpoint);
  }
  if (limited.empty()) return;
  thread_.measure(std::move(limited), [this, uids](const NetworkThread::Throttling& found) {
    for (std::size_t i = 0; i < uids.size(); ++i) {
      const auto member = members_.find(uids[i]);
      if (member == members_.end()) continue;
      const auto& throttling = found[i];
      const auto tell = [&](const QueueCounts& before, const QueueCounts& now, const char* what) {
        if (before.delayed != 0 || now.delayed == 0) return;
        const std::string& pod = member->second.endpoint.names.front();
        services_.events.add({.severity = Severity::kNormal,
                              .reason = name_of(Reason::kNetworkThrottled),
                              .pod = pod,
                              .message = "Pod " + pod + what + " as fast as its bandwidth allows; packets wait"});
      };
      tell(member->second.throttling.ingress, throttling.ingress, " receives");
      tell(member->second.throttling.egress, throttling.egress, " sends");
      members_.change(uids[i]).throttling = throttling;
    }
  });
}

}  // namespace mete::agent
