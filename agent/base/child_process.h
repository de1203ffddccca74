// SPDX-License-Identifier: Apache-2.0
// Waits for a child process on the loop.
#pragma once

#include <sys/types.h>

#include <functional>

#include "agent/base/asio.h"

namespace mete::agent {

// Calls `ended` once, from the loop, with the child's exit code (-1: the child was killed, or is no child of the
// agent). The child is reaped in every case, so `ended` may be called after its owner was destroyed: wrap it in
// Alive::guard.
void await_child(asio::io_context& loop, pid_t pid, std::function<void(int code)> ended);

}  // namespace mete::agent
