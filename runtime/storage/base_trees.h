// SPDX-License-Identifier: Apache-2.0
// The files of an image as one tree, of which the drivers btrfs, vfs and devicemapper give each container a copy. Each
// has a folder, DIRECTORY/ID, and in it the tree and `layers`, the names of the layers that it was made of.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::storage {

// What a folder of a tree is to the driver.
struct TreeKind {
  using Step = std::function<Status(const std::string& folder)>;
  std::string inside = "/tree";  // where the tree is, in the folder
  Step make;                     // an empty tree, in the folder that exists
  Step remove;                   // the tree with all that is in it, also where it is half made or not there
  Step finish = {};              // once, when all files are in it; empty: nothing is to be done
  Step open = {};                // before it is used; the same
};

class BaseTrees {
 public:
  BaseTrees(std::string directory, std::string layers, TreeKind kind)
      : directory_(std::move(directory)), layers_(std::move(layers)), kind_(std::move(kind)) {}

  // The tree of these layers, topmost first, which is made at the first call. Nobody may change it.
  [[nodiscard]] Result<std::string> of(const std::vector<std::string>& layers);
  // Removes the trees of which a layer is gone.
  [[nodiscard]] Status prune();
  [[nodiscard]] std::vector<std::string> folders() const;

 private:
  [[nodiscard]] Status fill(const std::string& tree, const std::vector<std::string>& layers) const;
  [[nodiscard]] bool has_all_layers(const std::string& folder) const;
  [[nodiscard]] Status remove(const std::string& folder) const;

  std::string directory_;
  std::string layers_;
  TreeKind kind_;
  std::mutex changes_;
};

}  // namespace mete::runtime::storage
