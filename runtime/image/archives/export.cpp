// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/export.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "runtime/file.h"
#include "runtime/image/archives/layer_tar.h"

namespace mete::runtime::image {
namespace {

Status own_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) return fail_errno("make a mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail_errno("make mounts private");
  return {};
}

}  // namespace

Status export_tree(const std::string& upper, const std::string& layers_directory,
                   const std::vector<std::string>& layers, int out) {
  METE_CHECK(own_mounts());
  // Relative names: mount(2) takes one page of options. The layers lie beside an empty directory that the tree covers.
  METE_TRY(const UniqueFd writable, open_at(AT_FDCWD, upper, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  METE_TRY(const UniqueFd place, open_at(AT_FDCWD, layers_directory + "/../tmp", O_PATH | O_DIRECTORY));
  if (::chdir(layers_directory.c_str()) != 0) return fail_errno("enter " + layers_directory);
  std::string options = "lowerdir=/proc/self/fd/" + std::to_string(writable.get());
  for (const std::string& layer : layers) options += ":" + layer;
  const std::string target = "/proc/self/fd/" + std::to_string(place.get());
  if (::mount("overlay", target.c_str(), "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC, options.c_str()) != 0)
    return fail_errno("mount the container's files");
  METE_TRY([[maybe_unused]] const LayerTar written, write_layer_tar(layers_directory + "/../tmp", out, Packing::kNone));
  return {};
}

}  // namespace mete::runtime::image
