// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mete::runtime::oci {

// Now, as RFC 3339 in UTC with nanoseconds. By arithmetic: the C library would read the time zone's file first.
[[nodiscard]] std::string time_text();

}  // namespace mete::runtime::oci
