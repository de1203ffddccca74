// SPDX-License-Identifier: Apache-2.0
// Addresses as tests write them.
#pragma once

#include <string>

#include "config/values/ip_address.h"

namespace mete {

inline config::IpAddress ip(const std::string& text) {
  return config::parse_ip(text).value();
}

}  // namespace mete
