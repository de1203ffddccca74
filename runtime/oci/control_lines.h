// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/config.h"

namespace mete::runtime::oci {

// Applies the limits, then the lines. The error of a line names the field of config.json, and the controller when this
// machine lacks it.
[[nodiscard]] Status apply_resources(const cgroup::Group& group, const Resources& resources);

}  // namespace mete::runtime::oci
