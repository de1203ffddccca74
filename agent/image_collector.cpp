// SPDX-License-Identifier: Apache-2.0
#include "agent/image_collector.h"

#include <sys/inotify.h>

#include <utility>

namespace mete::agent {
namespace {

// A pod that is replaced is gone for a moment.
constexpr auto kLater = std::chrono::seconds(2);

}  // namespace

ImageCollector::ImageCollector(Services& services, InUse in_use) : services_(services), in_use_(std::move(in_use)), timer_(services.loop) {}

ImageCollector::~ImageCollector() {
  if (thread_.joinable()) thread_.join();
}

void ImageCollector::start() {
  // A record is put in place by a rename, and taken away by an unlink.
  const auto watch = services_.files.watch(services_.settings.images() + "/images", IN_MOVED_TO | IN_DELETE,
                                           [this](std::string_view, std::uint32_t) { collect_soon(); });
  if (!watch) services_.events.add({.severity = Severity::kWarning, .reason = "ImagesNotWatched", .message = watch.error().what});
  collect_soon();
}

void ImageCollector::collect_soon() {
  if (std::exchange(waiting_, true)) return;
  timer_.expires_after(kLater);
  timer_.async_wait(alive_.guard([this] {
    waiting_ = false;
    collect();
  }));
}

void ImageCollector::collect() {
  if (busy_) {
    collect_soon();
    return;
  }
  auto in_use = in_use_();
  if (!in_use) return;
  busy_ = true;
  if (thread_.joinable()) thread_.join();
  thread_ = std::thread([this, in_use = std::move(*in_use), store = services_.images]() mutable {
    auto done = store.collect(in_use);
    asio::post(services_.loop, alive_.guard([this, done = std::move(done)] { collected(done); }));
  });
}

void ImageCollector::collected(const Status& done) {
  busy_ = false;
  if (done) {
    told_.clear();
  } else if (std::exchange(told_, done.error().what) != done.error().what) {
    services_.events.add({.severity = Severity::kWarning, .reason = "LayersNotRemoved", .message = done.error().what});
  }
}

}  // namespace mete::agent
