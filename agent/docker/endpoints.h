// SPDX-License-Identifier: Apache-2.0
// Which networks a client wants its container in: its own, which the pod is connected to before its start, and further
// ones, which follow at once after it. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/docker/container/record.h"

namespace mete::agent::docker {

// The network of the pod: "bridge", "host", "none", a name, or "container:NAME".
[[nodiscard]] std::string own_network(const ContainerRecord& record);
// What was asked for an end there; null: nothing.
[[nodiscard]] const Json& endpoint_in(const ContainerRecord& record, const std::string& network);
// By name. None for a container that has the network of the machine, or of another container, or none.
[[nodiscard]] std::vector<std::string> further_networks(const ContainerRecord& record);
// The names beside those of the pod by which other containers find it, each once.
[[nodiscard]] std::vector<std::string> aliases_of(const ContainerRecord& record);

// The networks after a change: HostConfig.NetworkMode and the endpoints.
struct NetworkWishes {
  std::string mode;
  Json endpoints = Json::object();
};
// With the container in `network` too, which becomes its own where it has none. The error: it cannot be in two.
[[nodiscard]] Result<NetworkWishes> connected(const ContainerRecord& record, const std::string& network,
                                              const Json& endpoint);
// Without it. When it was the container's own, the first of the further ones takes its place. The error: it was not in
// `network`.
[[nodiscard]] Result<NetworkWishes> disconnected(const ContainerRecord& record, const std::string& network);

// It was in networks, and has left them all: not one that was made with `--network none`. Its endpoints are an object
// without members, where those of the latter are null or have a member "none".
[[nodiscard]] bool has_left_all(const ContainerRecord& record);

}  // namespace mete::agent::docker
