// SPDX-License-Identifier: Apache-2.0
// Images that are made of files and not of other images' archives: `docker import` and `docker commit`.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/image/archives/archive.h"
#include "runtime/image/store.h"

namespace mete::runtime::image {

struct MadeImage {
  std::string name;                  // as a person gives it; empty: it is nameless()
  std::vector<std::string> changes;  // in a Dockerfile's words (config_changes.h)
  std::string message;
  std::string author;
};

// One layer: the root file system of an archive. The error also: a whiteout, which would hide nothing.
[[nodiscard]] Result<Image> import_rootfs(const Store& store, const ArchivePlace& place, const MadeImage& wanted);

// The image `base` and what a container wrote over it (`upper`, which may be in use). `command`: what it ran.
[[nodiscard]] Result<Image> commit_upper(const Store& store, const Image& base, const std::string& upper,
                                         const std::string& command, const MadeImage& wanted);

}  // namespace mete::runtime::image
