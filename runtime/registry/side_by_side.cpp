// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/side_by_side.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

namespace mete::runtime::registry {

Status side_by_side(std::size_t count, std::size_t threads, const std::function<Status(std::size_t index)>& work) {
  std::mutex mutex;
  std::size_t next = 0;
  Status first;
  const auto run = [&] {
    while (true) {
      std::size_t index = 0;
      {
        const std::lock_guard lock(mutex);
        if (next == count || !first) return;
        index = next++;
      }
      auto done = work(index);
      const std::lock_guard lock(mutex);
      if (!done && first) first = std::move(done);
    }
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < std::min(count, threads); ++i) others.emplace_back(run);
  run();
  for (auto& each : others) each.join();
  return first;
}

}  // namespace mete::runtime::registry
