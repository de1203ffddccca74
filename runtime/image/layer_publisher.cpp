// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/layer_publisher.h"

#include <utility>

namespace mete::runtime::image {

LayerPublisher::LayerPublisher(Visible visible) : visible_(std::move(visible)), thread_([this] { run(); }) {}

LayerPublisher::~LayerPublisher() {
  if (thread_.joinable()) (void)finish();
}

void LayerPublisher::add(std::size_t index, LayerLock lock, std::string directory) {
  {
    const std::lock_guard guard(mutex_);
    whole_.push_back({index, std::move(lock), std::move(directory)});
  }
  changed_.notify_all();
}

Status LayerPublisher::finish() {
  {
    const std::lock_guard guard(mutex_);
    finished_ = true;
  }
  changed_.notify_all();
  thread_.join();
  return result_;
}

void LayerPublisher::publish(std::vector<Whole> group) {
  std::vector<LayerLock::Made> layers;
  for (Whole& each : group) layers.push_back({&each.lock, each.directory});
  if (auto done = LayerLock::made(layers); !done) {
    result_ = std::move(done);
    return;
  }
  for (Whole& each : group) visible_(each.index, std::move(each.lock));
}

void LayerPublisher::run() {
  std::unique_lock guard(mutex_);
  while (true) {
    changed_.wait(guard, [this] { return finished_ || !whole_.empty(); });
    std::vector<Whole> group = std::exchange(whole_, {});
    if (group.empty()) return;
    guard.unlock();
    if (result_) publish(std::move(group));
    guard.lock();
  }
}

}  // namespace mete::runtime::image
