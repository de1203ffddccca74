// SPDX-License-Identifier: Apache-2.0
// /sd: where this agent's own metrics are, for Prometheus' http_sd_configs. Pure.
#pragma once

#include <string>

#include "agent/http/http_types.h"

namespace mete::agent {

// The address is the one that was asked (the Host header), so that it is right through NAT and names; the bound one
// over the unix socket and for a Host that is none.
[[nodiscard]] HttpResponse service_discovery(const HttpRequest& request, const std::string& machine);

}  // namespace mete::agent
