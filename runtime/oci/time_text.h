// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mete::runtime::oci {

// The current time as RFC 3339 in UTC with nanoseconds. Computed without the C library, which would read the time
// zone's file first.
[[nodiscard]] std::string time_text();

}  // namespace mete::runtime::oci
