// SPDX-License-Identifier: Apache-2.0
// Removes layers that no image and no container uses any more: at the agent's start, after an image was imported again
// or removed, and after a pod is gone. On a thread of its own, because a layer can be a hundred thousand files.
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
  // What is in use, asked on the loop; empty when that is not known, and then nothing is removed.
  using InUse = std::function<std::optional<std::vector<std::string>>()>;

  ImagePruner(Services& services, InUse in_use);
  ~ImagePruner();
  ImagePruner(const ImagePruner&) = delete;
  ImagePruner& operator=(const ImagePruner&) = delete;

  // Watches the store, and looks once. Without the watch (an event says so) layers stay until the next start.
  void start();
  // Some seconds from now, once for all calls until then.
  void prune_soon();

 private:
  void prune();
  void pruned(const Status& done);

  Services& services_;
  InUse in_use_;
  Timer timer_;
  bool waiting_ = false;
  bool busy_ = false;
  std::string told_;  // the last failure
  std::thread thread_;
  Alive alive_;
};

}  // namespace mete::agent
