// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/disk/image_pruner.h"

#include <sys/inotify.h>

#include <utility>

namespace mete::agent {
namespace {

// Long enough that a pod which is being replaced exists again.
constexpr auto kLater = std::chrono::seconds(2);

}  // namespace

ImagePruner::ImagePruner(Services& services, InUse in_use)
    : services_(services), in_use_(std::move(in_use)), timer_(services.loop) {}

ImagePruner::~ImagePruner() {
  if (thread_.joinable()) thread_.join();
}

void ImagePruner::start() {
  // The store adds a record by a rename and removes it by an unlink.
  const auto watch = services_.files.watch(services_.settings.images() + "/images", IN_MOVED_TO | IN_DELETE,
                                           [this](std::string_view, std::uint32_t) { prune_soon(); });
  if (!watch)
    services_.events.add(
        {.severity = Severity::kWarning, .reason = name_of(Reason::kImagesNotWatched), .message = watch.error().what});
  prune_soon();
}

void ImagePruner::prune_soon() {
  if (std::exchange(waiting_, true)) return;
  timer_.expires_after(kLater);
  timer_.async_wait(alive_.guard([this] {
    waiting_ = false;
    prune();
  }));
}

void ImagePruner::prune() {
  if (busy_) {
    prune_soon();
    return;
  }
  auto in_use = in_use_();
  if (!in_use) return;
  busy_ = true;
  if (thread_.joinable()) thread_.join();
  thread_ =
      std::thread([this, in_use = std::move(*in_use), store = services_.images, driver = services_.storage]() mutable {
        auto done = store.prune(in_use);
        if (done) done = driver->prune();
        asio::post(services_.loop, alive_.guard([this, done = std::move(done)] { pruned(done); }));
      });
}

void ImagePruner::pruned(const Status& done) {
  busy_ = false;
  if (done) {
    told_.clear();
  } else if (std::exchange(told_, done.error().what) != done.error().what) {
    services_.events.add(
        {.severity = Severity::kWarning, .reason = name_of(Reason::kLayersNotRemoved), .message = done.error().what});
  }
}

}  // namespace mete::agent
