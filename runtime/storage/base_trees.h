// SPDX-License-Identifier: Apache-2.0
// The files of an image as one tree, of which the drivers btrfs and vfs give each container a copy:
// DIRECTORY/ID/tree, and DIRECTORY/ID/layers with the names of the layers that it was made of.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::storage {

class BaseTrees {
 public:
  using Make = std::function<Status(const std::string& path)>;    // of an empty tree, which does not exist
  using Remove = std::function<Status(const std::string& path)>;  // of a tree with all that is in it

  BaseTrees(std::string directory, std::string layers, Make make, Remove remove)
      : directory_(std::move(directory)),
        layers_(std::move(layers)),
        make_(std::move(make)),
        remove_(std::move(remove)) {}

  // The tree of these layers, topmost first, which is made at the first call. Nobody may change it.
  [[nodiscard]] Result<std::string> of(const std::vector<std::string>& layers);
  // Removes the trees of which a layer is gone.
  [[nodiscard]] Status prune();

 private:
  [[nodiscard]] Status fill(const std::string& tree, const std::vector<std::string>& layers) const;
  [[nodiscard]] bool has_all_layers(const std::string& folder) const;
  [[nodiscard]] Status remove(const std::string& folder) const;

  std::string directory_;
  std::string layers_;
  Make make_;
  Remove remove_;
  std::mutex changes_;
};

}  // namespace mete::runtime::storage
