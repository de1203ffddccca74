// SPDX-License-Identifier: Apache-2.0
// The part of NetworkThread that other machines are reached by.
#include "agent/networks/network_thread.h"

namespace mete::agent {

namespace {

namespace network = runtime::network;

}  // namespace

// Makes it or takes it over. A new device of an overlay knows nobody yet; one of an earlier agent knows whom it knew.
Result<int> NetworkThread::bridge(const network::NetworkSpec& network) {
  METE_TRY(const int index, host_->ensure_bridge(network));
  bridges_[network.name] = index;
  METE_CHECK(verify_remote(network));
  return index;
}

Result<std::string> NetworkThread::verify_remote(const network::NetworkSpec& network) {
  const auto remote = remote_.find(network.name);
  if (!network.overlay || remote == remote_.end()) return std::string();
  METE_TRY(const auto present, host_->vxlan_entries(network));
  if (present == remote->second) return std::string();
  METE_CHECK(host_->change_vxlan(network, present, remote->second));
  return "entries of device " + network::vxlan_device(network) + " were changed";
}

}  // namespace mete::agent
