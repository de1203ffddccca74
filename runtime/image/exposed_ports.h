// SPDX-License-Identifier: Apache-2.0
// The ports that an image names, in the words of EXPOSE. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::image {

// "80", "53/UDP" or "8000-8010/tcp" as an image has it: "80/tcp", "53/udp", each port of a range. Ports are 1 to 65535.
[[nodiscard]] Result<std::vector<std::string>> exposed_ports(const std::string& word);

}  // namespace mete::runtime::image
