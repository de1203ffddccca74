// SPDX-License-Identifier: Apache-2.0
// What a container changed over its image: `docker diff`. Reads the writable layer and the layers below it, and follows
// no link in them.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::image {

enum class ChangeKind { kChanged, kAdded, kDeleted };

struct FileChange {
  ChangeKind kind = ChangeKind::kChanged;
  std::string path;  // "/etc/passwd"
  bool operator==(const FileChange&) const = default;
};

// `upper` may be in use; what goes while it is read is left out. `layers` are directories, topmost first. A directory
// of which something changed is changed, too. By path. Empty files and directories on which every container has
// something mounted (/proc, /etc/hosts) are no changes: whoever launched it made them.
[[nodiscard]] Result<std::vector<FileChange>> changes_of(const std::string& upper,
                                                         const std::vector<std::string>& layers);

// Removes from a copy of `upper` what is no change of the container.
[[nodiscard]] Status drop_mount_points(const std::string& copy, const std::vector<std::string>& layers);

}  // namespace mete::runtime::image
