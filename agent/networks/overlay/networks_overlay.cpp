// SPDX-License-Identifier: Apache-2.0
// Networks over several machines: what etcd says of them becomes networks of this machine, and what this machine's pods
// have of them is told there.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/base/event_reasons.h"
#include "agent/base/log.h"
#include "agent/networks/endpoint_record.h"
#include "agent/networks/networks.h"
#include "agent/networks/overlay/overlay_store.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using runtime::network::Endpoint;
using runtime::network::NetworkSpec;

OverlayNetwork overlay_network_of(const NetworkSpec& spec) {
  return {
      spec.name,   spec.overlay->vni,      spec.range, spec.range6, spec.mtu, spec.internal, spec.between_containers,
      spec.labels, spec.overlay->encrypted};
}

// What the records of all machines decide; the device and the addresses of this machine are not of them.
bool says_the_same(const NetworkSpec& spec, const OverlayNetwork& network) {
  return spec.overlay && overlay_network_of(spec) == network;
}

}  // namespace

void Networks::begin_overlay() {
  if (!services_.settings.config.network.overlay.is_set()) return;
  overlay_ = std::make_unique<OverlayStore>(services_, OverlayStore::Owner{.own = [this] { return own_overlay(); },
                                                                           .host = [this] { return own_host(); },
                                                                           .changed = [this] { overlay_changed(); }});
  overlay_->begin();
  if (!has_encrypted()) return;
  // Those of an earlier agent go on, also while etcd does not answer.
  if (const auto prepared = prepare_tunnel(); !prepared) log_info("encrypted networks: " + prepared.error().what);
}

OverlayMember Networks::overlay_member_of(const Endpoint& endpoint) const {
  OverlayMember member;
  member.network = endpoint.network;
  member.address = endpoint.address;
  member.address6 = endpoint.address6;
  member.mac = endpoint.mac;
  member.host = overlay_->host();
  member.vtep = overlay_->vtep().value_or(config::IpAddress{});
  member.names = endpoint.names;
  return member;
}

OwnRecords Networks::own_overlay() const {
  OwnRecords own;
  for (const auto& [name, network] : networks_) {
    if (!network.spec.overlay) continue;
    bool used = false;
    for (const auto& each : members_of(name)) {
      if (each.shared || each.names.empty()) continue;
      own.members.push_back(overlay_member_of(each));
      used = true;
    }
    if (used) own.networks.push_back(overlay_network_of(network.spec));
  }
  own.host = own_host();
  return own;
}

Result<NetworkSpec> Networks::overlay_spec(const OverlayNetwork& network) const {
  METE_TRY(const auto local, local_of(network));
  METE_TRY(const std::uint32_t most, most_mtu(network));
  if (network.mtu > most)
    return fail("network " + network.name + ": found an MTU of " + std::to_string(network.mtu) + ", expected at most " +
                std::to_string(most) + ", which is what is left of packets that leave this machine by " +
                to_string(*overlay_->vtep()));
  NetworkSpec spec;
  spec.name = network.name;
  spec.device = new_end("mtb");
  spec.driver = runtime::network::Driver::kOverlay;
  spec.range = network.range;
  spec.range6 = network.range6;
  spec.mtu = network.mtu;
  spec.internal = network.internal;
  spec.between_containers = network.between_containers;
  spec.labels = network.labels;
  spec.overlay = runtime::network::OverlayLink{
      network.vni, local, static_cast<std::uint16_t>(services_.settings.config.network.overlay.port),
      network.encrypted};
  for (const auto& each : all_networks()) {
    if (each.name != spec.name && overlap(each.range, spec.range))
      return fail("network " + network.name + ": found its addresses " + to_string(spec.range) + " in network " +
                  each.name + " of this machine, expected other ones");
  }
  return spec;
}

// One that another machine has made, or that this machine has in another form.
void Networks::learn_network(const OverlayNetwork& network) {
  if (creating_.contains(network.name)) return;
  const auto before = networks_.find(network.name);
  const bool is_there = before != networks_.end();
  const auto own = local_of(network);
  const Status prepared = network.encrypted ? prepare_tunnel() : Status();
  if (is_there && own && prepared && says_the_same(before->second.spec, network) &&
      before->second.spec.overlay->local == *own)
    return;
  auto spec = prepared ? overlay_spec(network) : tl::unexpected(prepared.error());
  if (is_there && spec) {
    const auto& present = before->second.spec;
    // In use here, or not one over several machines at all: it stays as it is.
    if (!says_the_same(present, network) && (!present.overlay || !members_of(network.name).empty()))
      spec = fail("network " + network.name + ": found another one of that name on this machine, expected none");
    if (spec) spec->device = present.device;
  }
  if (!spec) {
    if (refused_.insert(network.name).second)
      services_.events.add({.severity = Severity::kWarning,
                            .reason = name_of(Reason::kNetworkFailed),
                            .message = "A network over several machines is left out: " + spec.error().what});
    return;
  }
  refused_.erase(network.name);
  if (is_there) {
    before->second.spec = *spec;
  } else {
    add_network(*spec);
  }
  (void)runtime::replace_file(network_record(network.name), to_json(*spec), 0600, runtime::Durability::volatile_);
  learned_.insert(network.name);
  if (state_ == State::kUp) bring_up_learned();
}

// After bring_up(), which knows only what was there when it began.
void Networks::bring_up_learned() {
  std::vector<NetworkSpec> learned;
  for (const auto& name : std::exchange(learned_, {})) {
    if (const auto network = networks_.find(name); network != networks_.end()) learned.push_back(network->second.spec);
  }
  if (learned.empty()) return;
  thread_.write_rules(all_networks(), all_endpoints(), [](const Status&) {});
  for (const auto& each : learned) {
    thread_.ensure_bridge(each, [this](const Status& ensured) {
      if (ensured) return answer_names();
      services_.events.add({.severity = Severity::kWarning,
                            .reason = name_of(Reason::kNetworkFailed),
                            .message = "A network over several machines cannot be made here: " + ensured.error().what});
    });
  }
}

void Networks::overlay_changed() {
  const auto& records = overlay_->records();
  for (const auto& [name, network] : records.networks) learn_network(network);
  std::vector<NetworkSpec> gone;
  for (const auto& [name, network] : networks_) {
    if (network.spec.overlay && !records.networks.contains(name) && members_of(name).empty())
      gone.push_back(network.spec);
  }
  for (const auto& each : gone) drop_network(each, [](const Status&) {});
  tell_peers();
  for (const auto& [name, network] : networks_) {
    if (!network.spec.overlay || !records.networks.contains(name)) continue;
    auto entries = remote_entries(records, name, overlay_->host());
    // Of a pod here whose address another machine has by now: those here still reach it.
    for (const auto& own : members_of(name))
      std::erase_if(entries, [&](const auto& each) { return each.mac == own.mac; });
    thread_.set_remote(network.spec, std::move(entries), [](const Status& told) {
      if (!told) log_info("other machines: " + told.error().what);
    });
  }
}

void Networks::create_overlay(const Wanted& wanted, Done done) {
  if (!overlay_)
    return done(
        fail("driver: found \"overlay\", expected network.overlay.etcd in agent.yaml with it: the machines of such "
             "a network find each other there"));
  auto spec = spec_of(wanted);
  if (!spec) return done(tl::unexpected(std::move(spec.error())));
  if (!spec->overlay) spec->overlay.emplace();
  const auto most = most_mtu(overlay_network_of(*spec));
  if (!most) return done(tl::unexpected(most.error()));
  if (wanted.mtu.empty()) spec->mtu = *most;
  if (spec->range6 && spec->range6->host_bits() < spec->range.host_bits())
    return done(fail("subnet: found fewer addresses of IPv6 than of IPv4, expected at least as many"));
  OverlayNetwork network = overlay_network_of(*spec);
  if (auto fits = overlay_spec(network); !fits) return done(tl::unexpected(std::move(fits.error())));
  if (!network.encrypted) return create_in_etcd(network, done);
  if (auto prepared = prepare_tunnel(); !prepared) return done(prepared);
  // A kernel that cannot encrypt says so before etcd knows the network.
  thread_.ensure_tunnel([this, network, done](const Status& made) {
    if (!made) return done(made);
    create_in_etcd(network, [this, done](const Status& created) {
      // What no network has goes again.
      if (!created) thread_.take_down({}, false, [](const Status&) {});
      done(created);
    });
  });
}

void Networks::create_in_etcd(const OverlayNetwork& network, const Done& done) {
  if (networks_.contains(network.name) || !creating_.insert(network.name).second)
    return done(fail("network " + network.name + ": found one of that name, expected a free name"));
  overlay_->create(network, [this, name = network.name, done](const Result<OverlayNetwork>& created) {
    creating_.erase(name);
    if (!created) return done(tl::unexpected(created.error()));
    auto made = overlay_spec(*created);
    if (!made) return undo_overlay(name, tl::unexpected(made.error()), done);
    make_network(*made, [this, name, done](const Status& status) {
      if (!status) return undo_overlay(name, status, done);
      done({});
    });
  });
}

void Networks::undo_overlay(const std::string& name, const Status& why, const Done& done) {
  overlay_->remove(name, [done, why](const Status&) { done(why); });
}

Status Networks::take_overlay_addresses(Network& network, Endpoint& endpoint, const std::string& wanted) {
  if (!overlay_)
    return fail("network " + network.spec.name +
                ": found no network.overlay in agent.yaml, expected the etcd that it is " + "kept in");
  const auto other_of = [&](const config::IpAddress& address) -> const OverlayMember* {
    const auto at = overlay_->records().members.find({network.spec.name, address});
    return at == overlay_->records().members.end() || at->second.host == overlay_->host() ? nullptr : &at->second;
  };
  const auto take_v6 = [&] {
    if (network.spec.range6)
      endpoint.address6 = config::nth(*network.spec.range6, config::offset_in(network.spec.range, endpoint.address));
  };
  if (!wanted.empty()) {
    const auto address = config::parse_ip(wanted);
    if (!address || address->v6) return fail("address: found \"" + wanted + "\", expected an IPv4 address");
    if (const auto* const other = other_of(*address))
      return fail("address " + wanted + ": found it with " + other->names.front() + " on " + to_string(other->vtep) +
                  ", expected a free one");
    METE_CHECK(network.addresses.take(*address));
    endpoint.address = *address;
    take_v6();
    return {};
  }
  std::vector<config::IpAddress> skipped;
  Status taken;
  while (true) {
    auto next = network.addresses.take();
    if (!next) taken = tl::unexpected(std::move(next.error()));
    if (!next) break;
    endpoint.address = *next;
    if (other_of(*next) == nullptr) break;
    skipped.push_back(*next);
  }
  for (const auto& each : skipped) network.addresses.give_back(each);
  if (taken) take_v6();
  return taken;
}

void Networks::claim(const Endpoint& endpoint, Done done) {
  const auto network = networks_.find(endpoint.network);
  if (network == networks_.end() || !network->second.spec.overlay || endpoint.shared) return done({});
  if (!overlay_) return done(fail("network " + endpoint.network + ": found no network.overlay in agent.yaml"));
  overlay_->claim(overlay_member_of(endpoint), std::move(done));
}

// Unless a pod that came later has the address by now.
void Networks::give_up_claim(const Endpoint& endpoint) {
  if (!overlay_) return;
  const auto network = networks_.find(endpoint.network);
  if (network == networks_.end() || !network->second.spec.overlay) return;
  overlay_->release({endpoint.network, endpoint.address});
}

std::vector<OverlayMember> Networks::elsewhere(const std::string& network) const {
  return overlay_ ? members_elsewhere(overlay_->records(), network, overlay_->host()) : std::vector<OverlayMember>();
}

std::vector<OverlayMember> Networks::called_elsewhere(const std::string& network, const std::string& name) const {
  return overlay_ ? members_called(overlay_->records(), network, overlay_->host(), name) : std::vector<OverlayMember>();
}

}  // namespace mete::agent
