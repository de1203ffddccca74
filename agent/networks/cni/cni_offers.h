// SPDX-License-Identifier: Apache-2.0
// What a pod asks of CNI plugins, in the words of the CNI's conventions (runtimeConfig and CNI_ARGS). Pure.
#pragma once

#include <map>
#include <set>
#include <string>

#include "config/model/pod_spec.h"
#include "runtime/network/network_spec.h"

namespace mete::agent {

struct CniOffers {
  std::map<std::string, std::string> all;  // JSON by capability
  std::set<std::string> needed;            // a plugin has to take them, or the pod would not have what it asks for
};
// `endpoint`: with its ports, names, bandwidth, and the hardware address that it wants. `address`: the one that the pod
// wants; empty: any. The error: that is none.
[[nodiscard]] Result<CniOffers> offers_of(const config::Pod& pod, const runtime::network::Endpoint& endpoint,
                                          const std::string& address);

// CNI_ARGS, as plugins for Kubernetes read them.
[[nodiscard]] std::string arguments_of(const config::Pod& pod, const std::string& uid);
// Of one whose first name is NAMESPACE/POD.
[[nodiscard]] std::string arguments_of(const runtime::network::Endpoint& endpoint, const std::string& uid);

}  // namespace mete::agent
