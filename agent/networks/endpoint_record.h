// SPDX-License-Identifier: Apache-2.0
// The records of networks on disk: STATE/networks/endpoints/UID.json of each pod that has an address, written before
// its devices are made, and STATE/networks/NAME.json of each network.
#pragma once

#include <string>

#include "runtime/network/network_spec.h"

namespace mete::agent {

[[nodiscard]] std::string to_json(const runtime::network::Endpoint& endpoint);
[[nodiscard]] Result<runtime::network::Endpoint> parse_endpoint(const std::string& json);
[[nodiscard]] std::string to_json(const runtime::network::NetworkSpec& network);
[[nodiscard]] Result<runtime::network::NetworkSpec> parse_network(const std::string& json);

}  // namespace mete::agent
