// SPDX-License-Identifier: Apache-2.0
// Kubernetes' fsGroup: a volume and all that is in it belong to a group, and files made there later inherit it.
#pragma once

#include <cstdint>
#include <string>

#include "config/base/result.h"

namespace mete::runtime::storage {

struct GroupChange {
  std::uint32_t group = 0;
  bool read_only = false;              // the group may read and not write, as the containers cannot write either
  bool on_root_mismatch_only = false;  // a volume whose root has the group and its rights already is left as it is
};

// Gives `path` and all below it to the group. Files get the group's right to read (and write), folders also the right
// to enter and the set-group-id bit, as the kubelet does. No symbolic link is followed. An entry that vanishes
// meanwhile is skipped.
[[nodiscard]] Status give_to_group(const std::string& path, const GroupChange& change);

}  // namespace mete::runtime::storage
