// SPDX-License-Identifier: Apache-2.0
#include "agent/base/workers.h"

#include <boost/asio/thread_pool.hpp>

#include <csignal>
#include <utility>

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
    // The loop handles signals: a new thread inherits this mask, which blocks all of them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    pool_ = std::make_unique<Pool>(threads_);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  asio::post(pool_->threads, [this, work = std::move(work), done = std::move(done)]() mutable {
    work();
    asio::post(loop_, std::move(done));
  });
}

}  // namespace mete::agent
