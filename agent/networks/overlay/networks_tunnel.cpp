// SPDX-License-Identifier: Apache-2.0
// Networks over several machines that are encrypted: this machine's key, the other machines, and those that cannot be
// reached without plain text.
#include <algorithm>
#include <utility>

#include "agent/base/event_reasons.h"
#include "agent/base/log.h"
#include "agent/networks/networks.h"
#include "agent/networks/overlay/overlay_store.h"

namespace mete::agent {

bool Networks::has_encrypted() const {
  return std::any_of(networks_.begin(), networks_.end(),
                     [](const auto& each) { return is_encrypted(each.second.spec); });
}

// Where this machine's VXLAN packets of the network come from.
Result<config::IpAddress> Networks::local_of(const OverlayNetwork& network) const {
  METE_TRY(const auto vtep, overlay_->vtep());
  if (!network.encrypted) return vtep;
  if (const auto address = runtime::network::tunnel_address(overlay_->host())) return *address;
  return fail("overlay-host: found \"" + overlay_->host() + "\", expected 16 hexadecimal digits");
}

Result<std::uint32_t> Networks::most_mtu(const OverlayNetwork& network) const {
  METE_TRY(const auto vtep, overlay_->vtep());
  METE_TRY(const auto local, local_of(network));
  METE_TRY(const std::uint32_t underlay, runtime::network::mtu_behind(vtep));
  const std::uint32_t around =
      runtime::network::vxlan_overhead(local.v6) + (network.encrypted ? runtime::network::kTunnelOverhead : 0);
  return underlay - std::min(underlay, around);
}

// Before anything that goes through it. Again and again: the machine's address may be another one by now.
Status Networks::prepare_tunnel() {
  METE_TRY(const auto vtep, overlay_->vtep());
  METE_TRY(const auto address, local_of({.encrypted = true}));
  METE_TRY(const std::uint32_t underlay, runtime::network::mtu_behind(vtep));
  if (!key_) {
    METE_TRY(key_, read_or_make_key(services_.settings.networks() + "/overlay-key"));
  }
  runtime::network::Tunnel tunnel;
  tunnel.device =
      runtime::network::tunnel_device(runtime::network::table_name(services_.settings.config.network.device));
  tunnel.key = key_->secret;
  tunnel.public_key = key_->public_key;
  tunnel.port = static_cast<std::uint16_t>(services_.settings.config.network.overlay.tunnel_port);
  tunnel.address = address;
  tunnel.mtu = underlay - std::min(underlay, runtime::network::kTunnelOverhead);
  if (tunnel_ == tunnel) return {};
  tunnel_ = tunnel;
  thread_.set_tunnel(tunnel, [](const Status& set) {
    if (!set) log_info("encrypted networks: " + set.error().what);
  });
  return {};
}

std::optional<OverlayHost> Networks::own_host() const {
  const auto& vtep = overlay_->vtep();
  if (!tunnel_ || !vtep || !has_encrypted()) return std::nullopt;
  return OverlayHost{overlay_->host(), *vtep, tunnel_->port, tunnel_->public_key};
}

// Machines before pods: nothing is sent to a pod whose machine is not known.
void Networks::tell_peers() {
  const auto own = own_host();
  if (!own) return unreached_.clear();
  const auto& records = overlay_->records();
  thread_.set_peers(runtime::network::TunnelPeers(tunnel_peers(records, *own)), [](const Status& told) {
    if (!told) log_info("other machines: " + told.error().what);
  });
  std::map<std::pair<std::string, std::string>, Unreached> now;
  for (const auto& [name, network] : records.networks) {
    if (!network.encrypted || !networks_.contains(name)) continue;
    for (auto& each : unreached_machines(records, name, *own)) now[{name, each.host}] = std::move(each);
  }
  for (const auto& [place, machine] : now) {
    const auto before = unreached_.find(place);
    if (before != unreached_.end() && before->second.why == machine.why) continue;
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kOverlayUnreached),
                          .message = "Machine " + to_string(machine.address) + " is not reached in network " +
                                     place.first + ", which is encrypted: " + machine.why,
                          .fields = {{"network", place.first}, {"machine", to_string(machine.address)}}});
  }
  unreached_ = std::move(now);
}

std::uint64_t Networks::unreached(const std::string& network) const {
  return static_cast<std::uint64_t>(std::count_if(unreached_.begin(), unreached_.end(),
                                                  [&](const auto& each) { return each.first.first == network; }));
}

}  // namespace mete::agent
