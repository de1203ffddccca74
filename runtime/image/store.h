// SPDX-License-Identifier: Apache-2.0
// The local image store: DIRECTORY/layers/ID/ (unpacked once, shared by all images and containers that use it, never
// written to again) and DIRECTORY/images/*.json. Safe for several processes at once (the agent and `mete image
// import`): changes are made under a lock and become visible by one rename; what a killed import left is removed by the
// next one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/image/image.h"

namespace mete::runtime::image {

class Store {
 public:
  // Makes the directories when missing.
  [[nodiscard]] static Result<Store> open(std::string directory);

  // "busybox" means "busybox:latest"; "docker.io/library/busybox" is the same image. Error ENOENT when there is none,
  // naming the image and how to import one.
  [[nodiscard]] Result<Image> find(const std::string& name) const;
  [[nodiscard]] Result<std::vector<Image>> list() const;  // by name

  // `path`: a directory that is a root file system or an OCI image layout; or a tar archive (plain, gzip, xz, zstd) of
  // a root file system, of an OCI layout, or as `docker save` writes it. An image of that name is replaced.
  [[nodiscard]] Result<Image> import(const std::string& path, const std::string& name);

  // Removes the image and the layers nobody else uses. Layers in `in_use` (of running containers) are kept until a
  // later prune().
  [[nodiscard]] Status remove(const std::string& name, const std::vector<std::string>& in_use = {});
  // Removes layers that no image and none of `in_use` refers to.
  // While another process is changing the store it does nothing and does not wait: a later call does it.
  [[nodiscard]] Status prune(const std::vector<std::string>& in_use = {});

  [[nodiscard]] std::string layers_directory() const { return directory_ + "/layers"; }

 private:
  explicit Store(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;
};

// "busybox" -> "busybox:latest", "docker.io/library/nginx:1.25" -> "nginx:1.25"; an error for what is no image name.
[[nodiscard]] Result<std::string> normalize_name(const std::string& name);

}  // namespace mete::runtime::image
