// SPDX-License-Identifier: Apache-2.0
// Removes layers that no image and no container uses any more: at the agent's start, after an image was imported again
// or removed, and after a pod is gone. Runs on a thread, because a layer can have a hundred thousand files.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/services.h"

namespace mete::agent {

class ImagePruner {
 public:
  // Returns the layers in use; called on the loop. Empty: unknown, and nothing is removed.
  using InUse = std::function<std::optional<std::vector<std::string>>()>;

  ImagePruner(Services& services, InUse in_use);
  ~ImagePruner();
  ImagePruner(const ImagePruner&) = delete;
  ImagePruner& operator=(const ImagePruner&) = delete;

  // Watches the store, and prunes once. Without the watch (reported as an event) layers stay until the next start.
  void start();
  // Prunes in some seconds; calls until then are served together.
  void prune_soon();

 private:
  void prune();
  void pruned(const Status& done);

  Services& services_;
  InUse in_use_;
  Timer timer_;
  bool waiting_ = false;
  bool busy_ = false;
  std::string told_;  // the last reported failure
  std::thread thread_;
  Alive alive_;
};

}  // namespace mete::agent
