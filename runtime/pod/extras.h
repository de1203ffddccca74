// SPDX-License-Identifier: Apache-2.0
// What of a container's extras (config/model/container_extras.h) its process and its file systems get. Pure.
#pragma once

#include "config/base/result.h"
#include "config/model/container_extras.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::pod {

// Changes `launch`, which is complete otherwise. Errors: a bound that the kernel does not know, a mount option that a
// tmpfs does not have.
[[nodiscard]] Status add_extras(const config::ContainerExtras& extras, process::LaunchSpec& launch);

}  // namespace mete::runtime::pod
