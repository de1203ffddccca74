// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "config/base/result.h"
#include "runtime/oci/config/options.h"

namespace mete::runtime::oci {

// The flags of `update` as the text of a `linux.resources` object, for read_resources(). Sizes may have a unit (64m,
// 1g). Error: no flag is set, or a value is not a number.
[[nodiscard]] Result<std::string> resources_of_flags(const Options& options);

}  // namespace mete::runtime::oci
