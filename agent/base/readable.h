// SPDX-License-Identifier: Apache-2.0
// Waits once until a descriptor is readable: a pidfd (its process has ended), or the pipe of a launch.
#pragma once

#include <poll.h>

#include <utility>

#include "agent/base/asio.h"

namespace mete::agent {

// Calls `handler` when the descriptor is readable. `alive` and the descriptor are members of one object. Asio gives the
// state of a closed descriptor to the next one that is assigned, with the events that the kernel had reported for the
// closed one and that are still queued; a plain async_wait then ends although nothing has happened. With thousands of
// short connections beside launches that is no rare case: so the descriptor is looked at.
template <class Handler>
void when_readable(const Alive& alive, Descriptor& descriptor, Handler handler) {
  descriptor.async_wait(Descriptor::wait_read,
                        alive.guard([&alive, &descriptor, handler = std::move(handler)]() mutable {
                          if (!descriptor.is_open()) return;  // closed since
                          pollfd look{descriptor.native_handle(), POLLIN, 0};
                          if (::poll(&look, 1, 0) == 0) return when_readable(alive, descriptor, std::move(handler));
                          handler();
                        }));
}

}  // namespace mete::agent
