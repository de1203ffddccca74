// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/detached_overlay.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

// fsopen(2), fsmount(2)
Result<runtime::UniqueFd> mount_detached(const OverlayParts& parts) {
  runtime::UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC)));
  if (!context.valid()) return fail_errno("fsopen overlay");
  const auto set = [&](unsigned command, const char* key, const char* value) {
    return ::syscall(SYS_fsconfig, context.get(), command, key, value, 0) == 0;
  };
  for (const auto& layer : parts.layers) {
    if (!set(FSCONFIG_SET_STRING, "lowerdir+", layer.c_str())) return fail_errno("use the layer " + layer);
  }
  if (!parts.upper.empty() && (!set(FSCONFIG_SET_STRING, "upperdir", parts.upper.c_str()) ||
                               !set(FSCONFIG_SET_STRING, "workdir", parts.work.c_str())))
    return fail_errno("use " + parts.upper);
  if (!set(FSCONFIG_CMD_CREATE, nullptr, nullptr)) return fail_errno("join the layers of an image");
  const unsigned read_only = parts.upper.empty() ? MOUNT_ATTR_RDONLY : 0U;
  runtime::UniqueFd tree(static_cast<int>(
      ::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, read_only | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID)));
  if (!tree.valid()) return fail_errno("mount the layers of an image");
  return tree;
}

// The same for kernels before 6.5, whose fsconfig(2) takes no list of layers: mounted at `place`, and taken away at
// once.
Result<runtime::UniqueFd> mount_and_detach(const OverlayParts& parts, const std::string& place) {
  std::string options = "lowerdir=";
  for (const auto& layer : parts.layers) options.append(&layer == &parts.layers.front() ? "" : ":").append(layer);
  if (!parts.upper.empty()) options += ",upperdir=" + parts.upper + ",workdir=" + parts.work;
  METE_CHECK(runtime::make_directories(place, 0700));
  (void)::umount2(place.c_str(), MNT_DETACH);  // of an agent that was killed here
  const auto read_only = parts.upper.empty() ? static_cast<unsigned long>(MS_RDONLY) : 0UL;
  if (::mount("overlay", place.c_str(), "overlay", read_only | MS_NODEV | MS_NOSUID, options.c_str()) != 0)
    return fail_errno("mount the layers of an image");
  auto tree = runtime::open_at(AT_FDCWD, place, O_RDONLY | O_DIRECTORY);
  (void)::umount2(place.c_str(), MNT_DETACH);
  (void)::rmdir(place.c_str());
  return tree;
}

}  // namespace

Result<runtime::UniqueFd> open_overlay(const OverlayParts& parts, const std::string& place) {
  auto tree = mount_detached(parts);
  return tree ? std::move(tree) : mount_and_detach(parts, place);
}

}  // namespace mete::agent::docker
