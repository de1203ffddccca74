// SPDX-License-Identifier: Apache-2.0
// The local image store: DIRECTORY/layers/ID/ (unpacked once, shared by all images and containers that use it, never
// changed again), DIRECTORY/images/*.json, and what a push needs to know: notes/ of layers, documents/ of images.
// Several processes may use it at once (the agent and `mete image import`): a change holds a lock and becomes visible
// by one rename. The next import removes what a killed import left.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/image/image.h"
#include "runtime/image/references.h"

namespace mete::runtime::image {

class Store {
 public:
  // Makes missing directories.
  [[nodiscard]] static Result<Store> open(std::string directory);

  // "busybox" means "busybox:latest"; "docker.io/library/busybox" is the same image. Error ENOENT: no such image; the
  // error names it and tells how to import one.
  [[nodiscard]] Result<Image> find(const std::string& name) const;
  [[nodiscard]] Result<std::vector<Image>> list() const;  // by name
  // As commands name images: a name, an id or the start of one, or a registry's digest. Error ENOENT: no such image.
  [[nodiscard]] Result<Image> resolve(const std::string& reference) const;

  // `path` is a directory that holds a root file system or an OCI image layout, or a tar archive (plain, gzip, xz,
  // zstd) of a root file system, an OCI layout or `docker save`. Replaces an image of that name.
  [[nodiscard]] Result<Image> import(const std::string& path, const std::string& name);

  // Gives the image a second name. Replaces an image of that name.
  [[nodiscard]] Status tag(const std::string& from, const std::string& to);
  // Of an image: its configuration (by its id) or its manifest, byte by byte as it came. Error ENOENT: it came without.
  [[nodiscard]] Result<std::string> document(const std::string& sha256) const;

  // The directories of the layers that a configuration names, in its order. A layer that comes twice is one directory.
  [[nodiscard]] std::vector<std::string> layer_directories(const Image& image,
                                                           const std::vector<std::string>& diff_ids) const;

  // Removes the image and the layers that no other image uses. Layers in `in_use` (of running containers) are kept
  // until a later prune().
  [[nodiscard]] Status remove(const std::string& name, const std::vector<std::string>& in_use = {});
  // `docker rmi [-f] REFERENCE`: the names that the plan says, and with the last of them the image. Layers in `in_use`
  // are kept.
  [[nodiscard]] Result<Removal> remove_reference(const std::string& reference, const std::vector<ImageUser>& users,
                                                 bool force);
  // Removes layers that neither an image nor `in_use` refers to. Does nothing, without waiting, while another process
  // is changing the store: a later call does the work.
  [[nodiscard]] Status prune(const std::vector<std::string>& in_use = {});

  // The image's own /etc/passwd and /etc/group; "" where it has none.
  struct UserFiles {
    std::string passwd;
    std::string group;
  };
  [[nodiscard]] Result<UserFiles> user_files(const Image& image) const;

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string layers_directory() const { return directory_ + "/layers"; }

 private:
  explicit Store(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;
};

// "busybox" -> "busybox:latest", "docker.io/library/nginx:1.25" -> "nginx:1.25", "a:1@sha256:..." -> "a@sha256:...".
// Error: not an image name.
[[nodiscard]] Result<std::string> normalize_name(const std::string& name);

}  // namespace mete::runtime::image
