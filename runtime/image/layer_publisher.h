// SPDX-License-Identifier: Apache-2.0
// Makes layers visible that several threads unpack. A thread of its own waits for the disk, once for all layers that
// are whole by then: the unpacking threads go on meanwhile, and a slow disk is waited for less often. The layers that
// are whole last wait for their image: Staging::commit() brings them to disk together with its record, in one wait
// less.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/image/layer_lock.h"

namespace mete::runtime::image {

class LayerPublisher {
 public:
  // `visible` gets the lock of each layer when others may use it, on that thread.
  using Visible = std::function<void(std::size_t index, LayerLock lock)>;
  struct Whole {
    std::size_t index;
    LayerLock lock;
    std::string directory;
  };
  // `expected`: as many calls of add() and there() as come before finish(), if nothing fails.
  LayerPublisher(std::size_t expected, Visible visible);
  ~LayerPublisher();
  LayerPublisher(const LayerPublisher&) = delete;
  LayerPublisher& operator=(const LayerPublisher&) = delete;

  // The directory is whole. `index` is the caller's name for the layer.
  void add(std::size_t index, LayerLock lock, std::string directory);
  // A layer that is visible already.
  void there();
  // Waits for the groups that are on their way to the disk. Returns the last layers, which are not visible yet; none if
  // fewer than expected came: then all are visible, for the next attempt. The error of the first group that could not
  // be made visible; those after it were not tried.
  [[nodiscard]] Result<std::vector<Whole>> finish();

 private:
  void run();
  void publish(std::vector<Whole> group);

  const Visible visible_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t expected_;
  std::vector<Whole> whole_;
  Status result_;
  bool finished_ = false;
  std::thread thread_;
};

}  // namespace mete::runtime::image
