// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/layer_publisher.h"

#include <utility>

namespace mete::runtime::image {

LayerPublisher::LayerPublisher(std::size_t expected, Visible visible)
    : visible_(std::move(visible)), expected_(expected), thread_([this] { run(); }) {}

LayerPublisher::~LayerPublisher() {
  if (thread_.joinable()) (void)finish();
}

void LayerPublisher::add(std::size_t index, LayerLock lock, std::string directory) {
  {
    const std::lock_guard guard(mutex_);
    whole_.push_back({index, std::move(lock), std::move(directory)});
    --expected_;
  }
  changed_.notify_all();
}

void LayerPublisher::there() {
  const std::lock_guard guard(mutex_);
  --expected_;
}

Result<std::vector<LayerPublisher::Whole>> LayerPublisher::finish() {
  {
    const std::lock_guard guard(mutex_);
    finished_ = true;
  }
  changed_.notify_all();
  thread_.join();
  METE_CHECK(result_);
  return std::move(whole_);
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
    changed_.wait(guard, [this] { return finished_ || (expected_ > 0 && !whole_.empty()); });
    if (whole_.empty() || expected_ == 0) return;
    std::vector<Whole> group = std::exchange(whole_, {});
    guard.unlock();
    if (result_) publish(std::move(group));
    guard.lock();
  }
}

}  // namespace mete::runtime::image
