// SPDX-License-Identifier: Apache-2.0
// Layers as EROFS images: DIRECTORY/LAYER.img, its sum in DIRECTORY/LAYER.sum, mounted on DIRECTORY/LAYER. The kernel
// reads the file itself (Linux 6.12, CONFIG_EROFS_FS_BACKED_BY_FILE); before that a loop device stands between.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::storage {

class ErofsLayers {
 public:
  // `layers`: the store's unpacked layers.
  ErofsLayers(std::string directory, std::string layers)
      : directory_(std::move(directory)), layers_(std::move(layers)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] bool has(const std::string& layer) const;  // mounted
  // Makes the image where there is none, checks its sum, and mounts it; a mount stays until prune() or close(), so that
  // an image is checked once in the life of the machine.
  [[nodiscard]] Status mount(const std::string& layer);
  // Unmounts and removes the images of layers that the store does not have any more.
  [[nodiscard]] Status prune();
  // Unmounts all; the images stay.
  [[nodiscard]] Status close();

 private:
  [[nodiscard]] Status make_image(const std::string& layer) const;
  [[nodiscard]] Status check_sum(const std::string& layer) const;
  [[nodiscard]] std::vector<std::string> names() const;

  std::string directory_;
  std::string layers_;
  std::mutex changes_;
};

}  // namespace mete::runtime::storage
