// SPDX-License-Identifier: Apache-2.0
// Pods whose bandwidth is limited: how much, and what that does.
#include <fcntl.h>

#include <memory>

#include "agent/base/event_reasons.h"
#include "agent/networks/networks.h"
#include "config/quantity.h"

namespace mete::agent {
namespace {

using runtime::network::QueueCounts;

// 0: not limited. The reader of manifests has refused what is no amount.
std::uint64_t bytes_a_second(const config::Pod& pod, const char* annotation) {
  constexpr std::int64_t kBits = 8;
  const std::string text = annotation_of(pod, annotation);
  const auto bits = text.empty() ? Result<std::int64_t>(0) : config::parse_count(text);
  return bits ? static_cast<std::uint64_t>(*bits / kBits) : 0;
}

}  // namespace

runtime::network::Bandwidth bandwidth_of(const config::Pod& pod) {
  return {bytes_a_second(pod, config::kIngressBandwidth), bytes_a_second(pod, config::kEgressBandwidth)};
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
  std::vector<NetworkThread::Limited> limited;
  for (const auto& [uid, member] : members_) {
    if (member.endpoint.bandwidth == runtime::network::Bandwidth{} || !member.inside.valid()) continue;
    auto inside = std::make_shared<runtime::UniqueFd>(::fcntl(member.inside.get(), F_DUPFD_CLOEXEC, 0));
    limited.push_back({uid, member.endpoint, std::move(inside)});
  }
  if (limited.empty()) return;
  thread_.measure(std::move(limited), [this](const NetworkThread::Throttling& found) {
    for (const auto& [uid, throttling] : found) {
      const auto member = members_.find(uid);
      if (member == members_.end()) continue;
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
      member->second.throttling = throttling;
    }
  });
}

}  // namespace mete::agent
