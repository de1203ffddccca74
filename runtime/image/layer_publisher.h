// SPDX-License-Identifier: Apache-2.0
// Makes layers visible that several threads unpack. A thread of its own waits for the disk, once for all layers that
// are whole by then: who unpacks goes on meanwhile, and a slow disk is waited for less often.
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
  explicit LayerPublisher(Visible visible);
  ~LayerPublisher();
  LayerPublisher(const LayerPublisher&) = delete;
  LayerPublisher& operator=(const LayerPublisher&) = delete;

  // The directory is whole. `index` is the caller's name for the layer.
  void add(std::size_t index, LayerLock lock, std::string directory);
  // Waits until all are visible. The error of the first group that could not be made so; those after it were not tried.
  [[nodiscard]] Status finish();

 private:
  struct Whole {
    std::size_t index;
    LayerLock lock;
    std::string directory;
  };
  void run();
  void publish(std::vector<Whole> group);

  const Visible visible_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Whole> whole_;
  Status result_;
  bool finished_ = false;
  std::thread thread_;
};

}  // namespace mete::runtime::image
