// SPDX-License-Identifier: Apache-2.0
// Making a group, for those who want to know what was there before.
#pragma once

#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// Group::create(). True: there was none in any hierarchy, so that nothing below it is left of an earlier one.
[[nodiscard]] Result<bool> create_anew(const Group& group);

}  // namespace mete::runtime::cgroup
