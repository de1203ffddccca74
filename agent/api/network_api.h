// SPDX-License-Identifier: Apache-2.0
// The part of the API that is about networks; see api.h.
#pragma once

#include <memory>

#include "agent/http/http_server.h"
#include "agent/networks/networks.h"

namespace mete::agent {

// Answers what begins with /mete/v1/networks, at once or when the kernel has done it.
void handle_networks(Networks& networks, const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);

}  // namespace mete::agent
