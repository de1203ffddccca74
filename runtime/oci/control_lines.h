// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/config.h"

namespace mete::runtime::oci {

// Limits and lines of a group that the caller has just made, and removes when this fails. resources.partial has been
// completed. The error of a line names the field of config.json, and the controller when this machine lacks it.
[[nodiscard]] Status set_up_resources(const cgroup::Group& group, const Resources& resources);

// The same, and device rules where there are some, of a group with a life of its own: what is not named stays as it is,
// and when something is refused all is as it was. Returns the completed limits.
[[nodiscard]] Result<cgroup::Limits> change_resources(const cgroup::Group& group, const Resources& resources);

}  // namespace mete::runtime::oci
