// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "config/base/result.h"

namespace mete::runtime::registry {

// Calls work(0) to work(count - 1) on at most `threads` threads, in this order, and waits for all that have begun.
// After an error no further one begins; the first error is returned.
[[nodiscard]] Status side_by_side(std::size_t count, std::size_t threads,
                                  const std::function<Status(std::size_t index)>& work);

}  // namespace mete::runtime::registry
