// SPDX-License-Identifier: Apache-2.0
// How work gets to the thread of the networks, and its result back: for the files of NetworkThread.
#pragma once

#include <pthread.h>

#include <memory>
#include <utility>

#include "agent/base/blocked_signals.h"
#include "agent/networks/network_thread.h"

namespace mete::agent {

// `work` on the thread, then `take` with its result on the loop.
template <class Work, class Take>
void NetworkThread::run(Work work, Take take) {
  if (!thread_.joinable()) {
    const BlockedSignals blocked;
    thread_ = std::thread([this] { worker_.run(); });
    ::pthread_setname_np(thread_.native_handle(), kNetworkThreadName);
  }
  // Both are moved, and a result may be a descriptor: functions that can be copied take them by a pointer.
  auto shared = std::make_shared<std::pair<Work, Take>>(std::move(work), std::move(take));
  processor_.leave_mine();
  asio::post(worker_, [this, shared] {
    processor_.take_all();
    using Value = decltype(shared->first());
    auto result = std::make_shared<Value>(shared->first());
    asio::post(loop_, [shared, result] { shared->second(std::move(*result)); });
    fill_pool_later();
  });
}

}  // namespace mete::agent
