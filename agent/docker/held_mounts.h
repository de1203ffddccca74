// SPDX-License-Identifier: Apache-2.0
// File systems that the agent mounts for containers, which bind them while they run: a volume with the options of
// docker's local driver, and the /dev/shm of an IPC namespace that others may share.
#pragma once

#include <string>
#include <vector>

#include "agent/docker/fields.h"

namespace mete::agent::docker {

// As for mount(8): type, device, and options with commas.
struct HeldMount {
  std::string path;  // of the machine; made for the mount, and not there without it
  std::string type;  // "none" with a bind
  std::string device;
  std::string options;
};

// The options of docker's local driver: type, device and o, of which none goes without the others. The error has
// docker's words. Pure.
[[nodiscard]] Status check_volume_options(const Json& options);

// The options as mount(2) takes them. Pure.
struct MountWords {
  unsigned long flags = 0;        // MS_*
  unsigned long propagation = 0;  // MS_PRIVATE and others, which take a call of their own
  std::string data;               // what is the file system's
};
[[nodiscard]] MountWords mount_words(const std::string& options);

[[nodiscard]] bool is_mounted(const HeldMount& mount);
// Mounts what is not mounted. Blocks, for a server's answer too: for a thread. The error has docker's words.
[[nodiscard]] Status mount_all(const std::vector<HeldMount>& mounts);
// Whoever has bound it keeps it. The error: it is mounted still.
[[nodiscard]] Status unmount_held(const std::string& path);

}  // namespace mete::agent::docker
