// SPDX-License-Identifier: Apache-2.0
// A pod has one network before its start. What a container is to be in beside it follows as soon as it runs.
#include <algorithm>
#include <cerrno>

#include "agent/docker/container/containers.h"
#include "agent/docker/endpoints.h"
#include "agent/networks/networks.h"

namespace mete::agent::docker {
namespace {

Refusal refusal_of(const Error& error) {
  return {error.code == ENOENT ? 404U : 403U, error.what};
}

bool is_in(const std::vector<runtime::network::Endpoint>& ends, const std::string& network) {
  return std::any_of(ends.begin(), ends.end(), [&](const auto& each) { return each.network == network; });
}

std::string address_in(const Json& endpoint) {
  return text_of(field(endpoint, "IPAMConfig"), "IPv4Address");
}

}  // namespace

void Containers::join_networks(ContainerRecord& record, Pod& own) {
  Seen& seen = seen_[record.id];
  if (own.record().containers.front().state != agent::ContainerState::kRunning || own.record().terminating)
    return seen.joined.clear();
  const std::uint32_t attempt = own.record().containers.front().attempt;
  if (seen.joined_attempt != attempt) seen.joined.clear();
  seen.joined_attempt = attempt;
  Networks& networks = reconciler_.networks();
  for (const auto& network : further_networks(record)) {
    if (seen.joined.contains(network)) continue;
    seen.joined[network].clear();
    // Of an earlier attempt, or of an earlier agent.
    if (is_in(networks.further(own.record().uid), network)) continue;
    networks.connect_more(record.key(), network, address_in(endpoint_in(record, network)),
                          alive_.guard_value([this, id = record.id, network](const Status& done) {
                            if (!records_.contains(id)) return;
                            if (!done) {
                              seen_[id].joined[network] =
                                  "failed to connect to network " + network + ": " + done.error().what;
                              services_.events.add({.severity = Severity::kWarning,
                                                    .reason = name_of(Reason::kNetworkFailed),
                                                    .pod = records_.at(id).key(),
                                                    .message = seen_[id].joined[network]});
                            }
                            call_watchers(id);
                          }));
  }
}

bool Containers::has_joined(const ContainerRecord& record, std::string& error) const {
  const Pod* const own = pod(record);
  const auto seen = seen_.find(record.id);
  if (own == nullptr || seen == seen_.end()) return true;
  const auto ends = reconciler_.networks().further(own->record().uid);
  for (const auto& network : further_networks(record)) {
    if (is_in(ends, network)) continue;
    const auto joined = seen->second.joined.find(network);
    if (joined == seen->second.joined.end() || joined->second.empty()) return false;
    error = joined->second;
  }
  return true;
}

std::optional<Refusal> Containers::change_networks(ContainerRecord& record, NetworkWishes wishes) {
  ContainerRecord changed = record;
  changed.host_config["NetworkMode"] = wishes.mode;
  changed.endpoints = std::move(wishes.endpoints);
  auto plan = plan_for(changed);
  if (!plan) return Refusal{400, plan.error().what};
  if (const auto saved = save(changed); !saved) return Refusal{500, saved.error().what};
  record = std::move(changed);
  if (Pod* const own = pod(record)) own->set_plan(std::make_shared<const config::PodPlan>(std::move(*plan)));
  return std::nullopt;
}

void Containers::connect(const std::string& id, const std::string& network, const Json& endpoint, Done done) {
  ContainerRecord& record = records_.at(id);
  auto wishes = connected(record, network, endpoint);
  if (!wishes) return done(Refusal{403, wishes.error().what});
  if (!state(record).running) return done(change_networks(record, std::move(*wishes)));
  reconciler_.networks().connect_more(
      record.key(), network, address_in(endpoint),
      alive_.guard_value([this, id, network, endpoint, done](const Status& connected_now) {
        if (!connected_now) return done(refusal_of(connected_now.error()));
        if (!records_.contains(id)) return done(std::nullopt);
        seen_[id].joined[network].clear();
        auto with = connected(records_.at(id), network, endpoint);
        done(with ? change_networks(records_.at(id), std::move(*with)) : std::nullopt);
      }));
}

void Containers::disconnect(const std::string& id, const std::string& network, Done done) {
  ContainerRecord& record = records_.at(id);
  auto wishes = disconnected(record, network);
  if (!wishes) return done(Refusal{403, wishes.error().what});
  const bool runs = state(record).running;
  const bool is_own = own_network(record) == network;
  // The pod's own network ends with the pod alone: Networks refuses it below, and nothing is changed.
  if (!runs || !is_own) {
    if (const auto refusal = change_networks(record, std::move(*wishes))) return done(refusal);
  }
  if (!runs) return done(std::nullopt);
  seen_[id].joined.erase(network);
  reconciler_.networks().disconnect_more(record.key(), network, [done](const Status& gone) {
    done(gone ? std::nullopt : std::optional(refusal_of(gone.error())));
  });
}

}  // namespace mete::agent::docker
