// SPDX-License-Identifier: Apache-2.0
// Stages that come to one step at once do it once: the second waits, and finds the first one's result in the cache.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

namespace mete::runtime::build {

class KeyTurns {
 public:
  class Turn {
   public:
    Turn(KeyTurns& turns, std::string key) : turns_(turns), key_(std::move(key)) {
      std::unique_lock lock(turns_.mutex_);
      turns_.ended_.wait(lock, [this] { return turns_.taken_.insert(key_).second; });
    }
    ~Turn() {
      {
        const std::lock_guard lock(turns_.mutex_);
        turns_.taken_.erase(key_);
      }
      turns_.ended_.notify_all();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    KeyTurns& turns_;
    const std::string key_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<std::string> taken_;
};

}  // namespace mete::runtime::build
