// SPDX-License-Identifier: Apache-2.0
// The lock of one layer (incoming/LAYER.lock, flock). Who makes a layer holds it alone; everyone else who wants the
// layer waits, and then holds it together with others until an image refers to the layer. So several pulls share the
// work, and nobody removes a layer that no image has yet. The kernel frees the lock of a process that is killed.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::image {

class LayerLock {
 public:
  // Waits while another process makes the layer. The layer is there, or this process has to make it.
  [[nodiscard]] static Result<LayerLock> acquire(const std::string& store, const std::string& layer);
  // For the removal of a layer that no image has. Empty descriptor: somebody uses or makes it.
  [[nodiscard]] static Result<LayerLock> try_alone(const std::string& store, const std::string& layer);
  LayerLock(LayerLock&&) = default;
  LayerLock& operator=(LayerLock&&) = delete;
  LayerLock(const LayerLock&) = delete;
  LayerLock& operator=(const LayerLock&) = delete;
  ~LayerLock();

  [[nodiscard]] bool held() const { return fd_.valid(); }
  [[nodiscard]] bool must_make() const { return must_make_; }
  // Where to make it: an empty directory, which lies on the file system of the layers.
  [[nodiscard]] Result<std::string> make_directory() const;
  // The directory is whole: it becomes the layer, on disk before it is visible, and others may use it.
  [[nodiscard]] Status made(const std::string& directory);
  // The same of several layers of one store, for which the disk is waited for once. Those before an error are visible.
  struct Made {
    LayerLock* lock;
    std::string directory;
  };
  [[nodiscard]] static Status made(const std::vector<Made>& layers);

 private:
  LayerLock(std::string store, std::string layer, UniqueFd fd, bool must_make)
      : store_(std::move(store)), layer_(std::move(layer)), fd_(std::move(fd)), must_make_(must_make) {}
  std::string store_;
  std::string layer_;
  UniqueFd fd_;
  bool must_make_ = false;
};

// Removes what killed pulls have left in incoming/.
[[nodiscard]] Status remove_left_layers(const std::string& store);

}  // namespace mete::runtime::image
