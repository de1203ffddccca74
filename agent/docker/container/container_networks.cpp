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

// It has left all networks, and its namespace waits for the next.
bool is_in_none(const Networks& networks, const Pod& own) {
  const auto* const now = networks.endpoint(own.record().uid);
  return now != nullptr && !now->shared && now->network == kNoNetwork;
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
  if (!leave_own(record, own)) return;
  auto wanted = further_networks(record);
  if (is_in_none(networks, own) && own_network(record) != "none") wanted.insert(wanted.begin(), own_network(record));
  for (const auto& network : wanted) {
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

// The network that it is in is not the one that the record names: a client wants it to be left. False: that is being
// done, and changed() follows.
bool Containers::leave_own(const ContainerRecord& record, Pod& own) {
  Networks& networks = reconciler_.networks();
  const auto* const now = networks.endpoint(own.record().uid);
  const std::string wanted = own_network(record);
  if (now == nullptr || now->shared || now->network == wanted || is_in_none(networks, own)) return true;
  const std::string next = wanted == "none" || !is_in(networks.further(own.record().uid), wanted) ? "" : wanted;
  if (!networks.can_leave(record.key(), next)) return true;  // it is told when a client asks
  if (seen_[record.id].moves > 0) return false;
  ++seen_[record.id].moves;
  networks.leave(record.key(), next, alive_.guard_value([this, id = record.id](const Status& left) {
    if (!records_.contains(id)) return;
    --seen_[id].moves;
    if (left) return look_after_move(id);
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kNetworkFailed),
                          .pod = records_.at(id).key(),
                          .message = "leave a network: " + left.error().what});
    call_watchers(id);
  }));
  return false;
}

void Containers::look_after_move(const std::string& id) {
  if (records_.contains(id) && pod(records_.at(id)) != nullptr) look(id);
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
  ++seen_[id].moves;
  reconciler_.networks().connect_more(
      record.key(), network, address_in(endpoint),
      alive_.guard_value([this, id, network, endpoint, done](const Status& connected_now) {
        const bool there = records_.contains(id);
        if (there) --seen_[id].moves;
        std::optional<Refusal> refusal;
        if (!connected_now) {
          refusal = refusal_of(connected_now.error());
        } else if (there) {
          seen_[id].joined[network].clear();
          auto with = connected(records_.at(id), network, endpoint);
          if (with) refusal = change_networks(records_.at(id), std::move(*with));
        }
        done(refusal);
        look_after_move(id);
      }));
}

void Containers::disconnect(const std::string& id, const std::string& network, Done done) {
  ContainerRecord& record = records_.at(id);
  auto wishes = disconnected(record, network);
  if (!wishes) return done(Refusal{403, wishes.error().what});
  const bool runs = state(record).running;
  const bool is_own = own_network(record) == network;
  if (runs && is_own) {
    const std::string next = wishes->mode == "none" ? "" : wishes->mode;
    if (const auto can = reconciler_.networks().can_leave(record.key(), next); !can)
      return done(refusal_of(can.error()));
  }
  // The record first: an agent that is killed after it leaves the next one to do the rest (join_networks()).
  if (const auto refusal = change_networks(record, std::move(*wishes))) return done(refusal);
  if (!runs) return done(std::nullopt);
  seen_[id].joined.erase(network);
  if (is_own) {
    look(id);
    return watch(id, [this, id, network, done] {
      const Pod* const pod = records_.contains(id) ? this->pod(records_.at(id)) : nullptr;
      if (pod != nullptr && seen_[id].moves > 0) return false;
      const auto* const now = pod == nullptr ? nullptr : reconciler_.networks().endpoint(pod->record().uid);
      const bool stays = now != nullptr && now->network == network;
      done(stays ? std::optional(Refusal{500, "container " + id + " could not leave network " + network})
                 : std::nullopt);
      return true;
    });
  }
  reconciler_.networks().disconnect_more(record.key(), network, [done](const Status& gone) {
    done(gone ? std::nullopt : std::optional(refusal_of(gone.error())));
  });
}

}  // namespace mete::agent::docker
