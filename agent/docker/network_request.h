// SPDX-License-Identifier: Apache-2.0
// The body of a client's `network create` as a wish. Pure.
#pragma once

#include "agent/docker/fields.h"
#include "agent/networks/networks.h"

namespace mete::agent::docker {

// What begins so among a network's labels is an option that its maker has asked for.
inline constexpr std::string_view kNetworkOption = "com.docker.network.";

// The error: it asks for what networks of mete do not have.
[[nodiscard]] Result<Networks::Wanted> wanted_network(const Json& body);

}  // namespace mete::agent::docker
