// SPDX-License-Identifier: Apache-2.0
// Services and their endpoints in the shape that the API server of Kubernetes gives, for `mete get`.
#pragma once

#include "agent/services/service_keeper.h"
#include "runtime/json.h"

namespace mete::agent {

[[nodiscard]] nlohmann::ordered_json service_json(const ServiceKeeper::Object& object);
// Endpoints (v1), which bear the Service's name.
[[nodiscard]] nlohmann::ordered_json endpoints_json(const ServiceKeeper::Object& object);

// The same as EndpointSlices (discovery.k8s.io/v1): one for each kind of addresses and each list of ports, since a
// port's name may be another number in each pod. `node`: this machine's name.
[[nodiscard]] std::vector<nlohmann::ordered_json> endpoint_slices_json(const ServiceKeeper::Object& object,
                                                                       const std::string& node);

}  // namespace mete::agent
