// SPDX-License-Identifier: Apache-2.0
// Waits for a child process on the loop.
#pragma once

#include <sys/types.h>

#include <functional>

#include "agent/base/asio.h"

namespace mete::agent {

// Calls `ended` once, from the loop, with the child's exit code (-1: it was killed, or is no child of ours). The child
// is reaped, whoever wants to know of it still: `ended` must bear being called after its owner (Alive::guard).
void await_child(asio::io_context& loop, pid_t pid, std::function<void(int code)> ended);

}  // namespace mete::agent
