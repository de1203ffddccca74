// SPDX-License-Identifier: Apache-2.0
// Project quotas: a bound on the space of a directory tree, held by the file system (ext4 and xfs mounted with
// prjquota). quotactl_fd(2), Linux 5.14 and later.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/base/units.h"

namespace mete::runtime::storage {

// Whether the file system of `directory` holds project quotas.
[[nodiscard]] bool has_project_quota(const std::string& directory);
// What is made later in these directories, which are empty or have the project already, counts together; writes beyond
// the limit fail (ext4: EDQUOT, xfs: ENOSPC).
[[nodiscard]] Status limit_directories(const std::vector<std::string>& directories, Bytes limit);
// Takes the limit away; the project's number is free again. Does nothing for a directory without one.
void forget_project_quota(const std::string& directory);

}  // namespace mete::runtime::storage
