// SPDX-License-Identifier: Apache-2.0
// What the responder for names answers of a Service, and what is told of ports that have no name. Pure.
#pragma once

#include <string>

#include "agent/networks/service_views.h"
#include "agent/services/service_plan.h"

namespace mete::agent {

// Its addresses; of each port the SRV records: one of its own name, or where it is headless one of each pod, which has
// its hostname in front where it has this Service as its subdomain, and its address otherwise ("10-77-0-2").
[[nodiscard]] ServiceName service_name(const config::Service& service, const ServiceLease& lease,
                                       const PlannedService& plan, bool has_v6);

// The same where its own address leads nowhere, in another network than the default one: the addresses of its pods
// there, `plan`, and their ports. That of a headless one everywhere.
[[nodiscard]] ServiceView pods_of_service(const config::Service& service, const PlannedService& plan, bool has_v6);

// A sentence about pods that have no port of the name of a targetPort; empty: all have.
[[nodiscard]] std::string unknown_ports(const config::Service& service, const PlannedService& plan);

}  // namespace mete::agent
