// SPDX-License-Identifier: Apache-2.0
// Threads for system calls that block longer than the loop may wait (reclaim, fsync). The threads are made at the first
// use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "agent/base/asio.h"

namespace mete::agent {

class Workers {
 public:
  // At the end work that has not begun is done nevertheless, or dropped.
  enum class AtEnd : std::uint8_t { kFinish, kDrop };
  explicit Workers(asio::io_context& loop, std::size_t threads = 4, AtEnd at_end = AtEnd::kFinish);
  ~Workers();  // waits for work that has begun
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Runs `work` on a thread, then `done` on the loop. `work` must not touch objects of the loop.
  void run(std::function<void()> work, std::function<void()> done);

 private:
  struct Pool;
  asio::io_context& loop_;
  const std::size_t threads_;
  const AtEnd at_end_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace mete::agent
