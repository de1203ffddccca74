// SPDX-License-Identifier: Apache-2.0
#include "agent/base/random.h"

#include <sys/random.h>

#include <cstdio>
#include <string_view>

namespace mete::agent {

std::string new_uid() {
  unsigned char bytes[16] = {};
  (void)!::getrandom(bytes, sizeof bytes, 0);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  std::string uid;
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", bytes[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) uid += '-';
    uid += hex;
  }
  return uid;
}

std::string random_suffix() {
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  unsigned char bytes[5] = {};
  (void)!::getrandom(bytes, sizeof bytes, 0);
  std::string suffix;
  for (const unsigned char byte : bytes) suffix += kLetters[byte % kLetters.size()];
  return suffix;
}

}  // namespace mete::agent
