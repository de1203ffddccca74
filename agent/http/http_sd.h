// SPDX-License-Identifier: Apache-2.0
// /sd: the address of this agent's own metrics, for Prometheus' http_sd_configs. Pure.
#pragma once

#include <string>

#include "agent/http/http_types.h"

namespace mete::agent {

// The address is the one that the client used (the Host header), so that it is right through NAT and names. Over the
// unix socket, and for an invalid Host, it is the bound address.
[[nodiscard]] HttpResponse service_discovery(const HttpRequest& request, const std::string& machine);

}  // namespace mete::agent
