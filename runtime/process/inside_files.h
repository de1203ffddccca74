// SPDX-License-Identifier: Apache-2.0
// Files of a running container, reached through its first process. Paths are resolved by descriptor within the
// container's root (openat2(2), RESOLVE_IN_ROOT): no link of the image or of its volumes leads out of it, whoever
// exchanges it when (CVE-2018-15664). Nothing of the image is executed or loaded (CVE-2019-14271).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/process_id.h"

namespace mete::runtime::process {

class InsideFiles {
 public:
  // The error: the process has ended, or another one has its number.
  [[nodiscard]] static Result<InsideFiles> open(const ProcessId& first);

  // Of a container that does not run: its root, as root's.
  [[nodiscard]] static InsideFiles below(UniqueFd root);

  // A file or directory that is there.
  [[nodiscard]] Result<UniqueFd> open_path(const std::string& path, int flags) const;
  // Who the container's first process is, on the host's side of a user namespace: the owner of files that are made.
  [[nodiscard]] uid_t uid() const { return uid_; }
  [[nodiscard]] gid_t gid() const { return gid_; }

 private:
  UniqueFd root_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
};

struct CopyOwner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Copies `name` of the directory `from` as `to_name` into the directory `to`: a file, or a directory with all below it.
// Both trees may be a hostile container's: every step is by descriptor and follows no link. Permission bits are kept,
// owners become `owner`. Links, devices, sockets and FIFOs are left out; `skipped` gets the path of each.
[[nodiscard]] Status copy_between(const UniqueFd& from, const std::string& name, const UniqueFd& to,
                                  const std::string& to_name, const CopyOwner& owner,
                                  const std::function<void(const std::string&)>& skipped);

}  // namespace mete::runtime::process
