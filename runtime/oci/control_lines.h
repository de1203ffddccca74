// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/config.h"

namespace mete::runtime::oci {

// Limits, then lines. The error of a line names the field of config.json, and the controller where
// this machine has none.
[[nodiscard]] Status apply_resources(const cgroup::Group& group, const Resources& resources);

}  // namespace mete::runtime::oci
