// SPDX-License-Identifier: Apache-2.0
#include "agent/base/workers.h"

#include <boost/asio/thread_pool.hpp>

#include <csignal>
#include <utility>

namespace mete::agent {
namespace {

constexpr std::size_t kThreads = 4;

}  // namespace

struct Workers::Pool {
  asio::thread_pool threads{kThreads};
};

Workers::Workers(asio::io_context& loop) : loop_(loop) {}

Workers::~Workers() {
  if (pool_) pool_->threads.join();
}

void Workers::run(std::function<void()> work, std::function<void()> done) {
  if (!pool_) {
    // The loop handles signals: a new thread inherits this mask, which blocks all of them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    pool_ = std::make_unique<Pool>();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  asio::post(pool_->threads, [this, work = std::move(work), done = std::move(done)]() mutable {
    work();
    asio::post(loop_, std::move(done));
  });
}

}  // namespace mete::agent
