// SPDX-License-Identifier: Apache-2.0
// Containers as docker's clients see them. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/docker/container/health.h"
#include "agent/docker/container/record.h"
#include "agent/docker/container/state.h"
#include "runtime/network/network_spec.h"

namespace mete::agent::docker {

// An end in a network, with what the network says of it.
struct Attached {
  runtime::network::Endpoint endpoint;
  std::string gateway;
  unsigned prefix = 0;   // length of the network's range
  unsigned prefix6 = 0;  // 0: it has no IPv6
};

// What a container is shown with beside its record.
struct View {
  const ContainerRecord& record;
  State state;
  std::vector<Attached> networks;  // its own, then further ones; empty: none, or not now
  std::string volumes;             // the folder of named volumes
  std::string log;
  std::vector<std::string> execs;       // ids
  const HealthState* health = nullptr;  // null: nobody asks for it
  int version = 0;                      // that the client speaks: 41 of 1.41
};

// Of a container that runs: {"IP", "PrivatePort", "PublicPort", "Type"}.
[[nodiscard]] Json port_rows(const View& view);
// A row of GET /containers/json is made of two parts that stay while nothing is done with the container, and between
// them of its state.
[[nodiscard]] Json row_begin(const View& view);
[[nodiscard]] Json row_end(const View& view);
// "Up 2 minutes (healthy)"
[[nodiscard]] std::string row_status(const View& view, WallTime now);
// GET /containers/ID/json
[[nodiscard]] Json inspect_json(const View& view);

// The id of a network: 64 digits made from its name, so that it needs no record.
[[nodiscard]] std::string network_id(const std::string& name);

}  // namespace mete::agent::docker
