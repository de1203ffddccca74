// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4). Written here because the agent would need a cryptography library for nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/image/sha256_blocks.h"

namespace mete::runtime::image {

class Sha256 {
 public:
  void update(std::string_view bytes);
  // 64 lower-case hexadecimal digits. The object must not be used afterwards.
  [[nodiscard]] std::string hex();

 private:
  Sha256State state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> pending_{};
  std::uint64_t length_ = 0;  // bytes
};

[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace mete::runtime::image
