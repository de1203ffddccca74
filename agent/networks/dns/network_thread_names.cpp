// SPDX-License-Identifier: Apache-2.0
// The part of NetworkThread that makes sockets for questions for names inside of pods.
#include "agent/networks/network_thread_run.h"
#include "runtime/network/inner_resolver.h"

namespace mete::agent {

void NetworkThread::open_resolver(std::shared_ptr<runtime::UniqueFd> inside, Opened done) {
  run([inside = std::move(inside)] { return runtime::network::open_inner_resolver(inside->get()); }, std::move(done));
}

}  // namespace mete::agent
