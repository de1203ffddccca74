// SPDX-License-Identifier: Apache-2.0
// A directory of an NFS server, mounted by the kernel alone (nfs(5), fs/nfs/fs_context.c): without mount.nfs, which
// machines need not have.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/model/volume.h"

namespace mete::runtime::storage {

// The arguments of mount(2) but the target.
struct MountRequest {
  std::string type;
  std::string source;
  unsigned long flags = 0;
  std::string options;
  bool operator==(const MountRequest&) const = default;
};

// The versions that are tried in turn, the newest first. `address`: of the server, v4 or v6. A server that does not
// answer is given up after 3 times 10 s, as programs that wait for it must be able to end. Pure.
[[nodiscard]] std::vector<MountRequest> nfs_requests(const config::NfsVolume& volume, const std::string& address);

// Whether the next version is worth a try after this errno.
[[nodiscard]] bool is_refused_version(int code);

// The addresses of a server, as the machine resolves its name. Waits for the resolver.
[[nodiscard]] Result<std::vector<std::string>> addresses_of(const std::string& server);

// Mounts on `target`, which is a directory. Waits for the server. The error: the kernel has no NFS, the server does not
// answer or refuses.
[[nodiscard]] Status mount_nfs(const config::NfsVolume& volume, const std::string& target);

}  // namespace mete::runtime::storage
