// SPDX-License-Identifier: Apache-2.0
// The families of networks: who is in them, what is left of them, questions for names, tracked connections.
#pragma once

#include <string>

#include "agent/networks/networks.h"
#include "collectors/exposition/exposition.h"

namespace mete::agent {

void write_networks(std::string& out, const Networks& networks, collectors::Format format);

}  // namespace mete::agent
