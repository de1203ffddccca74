// SPDX-License-Identifier: Apache-2.0
// The part of NetworkThread that other machines are reached by.
#include <utility>

#include "agent/networks/network_thread.h"
#include "agent/networks/network_thread_run.h"

namespace mete::agent {

namespace {

namespace network = runtime::network;

}  // namespace

// Makes it or takes it over. A new device of an overlay knows nobody yet; one of an earlier agent knows whom it knew.
Result<int> NetworkThread::bridge(const network::NetworkSpec& network) {
  if (network::is_encrypted(network)) METE_CHECK(make_tunnel());
  METE_TRY(const int index, host_->ensure_bridge(network));
  bridges_[network.name] = index;
  if (network::is_encrypted(network)) encrypted_.insert(network.name);
  METE_CHECK(verify_remote(network));
  return index;
}

network::VxlanEntries NetworkThread::entries_for(const network::NetworkSpec& network,
                                                 const network::RemoteEntries& remote) const {
  return network::entries_of(remote, host_->link_below(network));
}

void NetworkThread::set_remote(network::NetworkSpec network, network::RemoteEntries remote, Done done) {
  const auto work = [this, network = std::move(network), remote = std::move(remote)]() -> Status {
    const auto before = remote_.find(network.name);
    const bool known = before != remote_.end();
    const network::RemoteEntries present = known ? before->second : network::RemoteEntries{};
    remote_[network.name] = remote;
    if (!bridges_.contains(network.name)) return {};
    METE_CHECK(open());
    // The first time: an earlier agent may have written some of them.
    if (known && host_->change_vxlan(network, entries_for(network, present), entries_for(network, remote))) return {};
    const auto verified = verify_remote(network);
    return verified ? Status() : tl::unexpected(verified.error());
  };
  run(work, std::move(done));
}

Result<std::string> NetworkThread::verify_remote(const network::NetworkSpec& network) {
  const auto remote = remote_.find(network.name);
  if (!network.overlay || remote == remote_.end()) return std::string();
  METE_TRY(const auto present, host_->vxlan_entries(network));
  const auto wanted = entries_for(network, remote->second);
  if (present == wanted) return std::string();
  METE_CHECK(host_->change_vxlan(network, present, wanted));
  return "entries of device " + network::vxlan_device(network) + " were changed";
}

Status NetworkThread::make_tunnel() {
  if (!tunnel_) return fail("encrypted: this machine's address between the machines is not known yet");
  METE_CHECK(host_->ensure_tunnel(*tunnel_));
  has_tunnel_ = true;
  if (!peers_) return {};
  const auto set = host_->set_peers(*tunnel_, *peers_, *peers_);
  return set ? Status() : tl::unexpected(set.error());
}

void NetworkThread::set_tunnel(network::Tunnel tunnel, Done done) {
  const auto work = [this, tunnel = std::move(tunnel)]() -> Status {
    const bool same = tunnel_ == tunnel;
    tunnel_ = tunnel;
    if (same || !has_tunnel_) return {};
    METE_CHECK(open());
    return make_tunnel();
  };
  run(work, std::move(done));
}

void NetworkThread::ensure_tunnel(Done done) {
  const auto work = [this]() -> Status {
    METE_CHECK(open());
    auto made = make_tunnel();
    // What was made halfway is of no use where no network has it.
    if (!made) (void)remove_tunnel(encrypted_.empty());
    return made;
  };
  run(work, std::move(done));
}

void NetworkThread::set_peers(network::TunnelPeers peers, Done done) {
  const auto work = [this, peers = std::move(peers)]() -> Status {
    const auto before = std::exchange(peers_, peers);
    if (!has_tunnel_ || before == peers_) return {};
    METE_CHECK(open());
    const auto set = host_->set_peers(*tunnel_, before.value_or(network::TunnelPeers()), *peers_);
    return set ? Status() : tl::unexpected(set.error());
  };
  run(work, std::move(done));
}

// Another device means other devices of VXLAN, which the kernel has removed with it: those are seen after it.
Result<std::string> NetworkThread::verify_tunnel() {
  if (!has_tunnel_) return std::string();
  METE_TRY(auto wrong, host_->check_tunnel(*tunnel_));
  if (!wrong.empty()) {
    METE_CHECK(make_tunnel());
    return wrong;
  }
  if (!peers_) return std::string();
  METE_TRY(const bool changed, host_->set_peers(*tunnel_, *peers_, *peers_));
  return changed ? "machines that device " + tunnel_->device + " reaches were changed" : std::string();
}

// With the last encrypted network. `force`: also one that an earlier agent has left.
Status NetworkThread::remove_tunnel(bool force) {
  if (!encrypted_.empty() || (!has_tunnel_ && !force)) return {};
  METE_CHECK(host_->remove_tunnel(network::tunnel_device(table_)));
  has_tunnel_ = false;
  return {};
}

}  // namespace mete::agent
