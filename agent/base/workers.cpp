// SPDX-License-Identifier: Apache-2.0
#include "agent/base/workers.h"

#include <boost/asio/thread_pool.hpp>

#include <utility>

#include "agent/base/blocked_signals.h"

namespace mete::agent {

struct Workers::Pool {
  explicit Pool(std::size_t count) : threads(count) {}
  asio::thread_pool threads;
};

Workers::Workers(asio::io_context& loop, std::size_t threads, AtEnd at_end)
    : loop_(loop), threads_(threads), at_end_(at_end) {}

Workers::~Workers() {
  if (!pool_) return;
  if (at_end_ == AtEnd::kDrop) pool_->threads.stop();
  pool_->threads.join();
}

void Workers::run(std::function<void()> work, std::function<void()> done) {
  if (!pool_) {
    const BlockedSignals blocked;
    pool_ = std::make_unique<Pool>(threads_);
  }
  asio::post(pool_->threads, [this, work = std::move(work), done = std::move(done)]() mutable {
    work();
    asio::post(loop_, std::move(done));
  });
}

}  // namespace mete::agent
