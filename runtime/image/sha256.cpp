// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/sha256.h"

#include <algorithm>

namespace mete::runtime::image {
void Sha256::update(std::string_view bytes) {
  const std::size_t used = length_ % 64;
  length_ += bytes.size();
  if (used != 0) {
    const std::size_t part = std::min(64 - used, bytes.size());
    std::copy_n(bytes.begin(), part, pending_.begin() + static_cast<std::ptrdiff_t>(used));
    bytes.remove_prefix(part);
    if (used + part < 64) return;
    sha256_blocks()(state_, pending_.data(), 1);
  }
  if (const std::size_t whole = bytes.size() / 64; whole > 0) {
    sha256_blocks()(state_, reinterpret_cast<const unsigned char*>(bytes.data()), whole);
    bytes.remove_prefix(64 * whole);
  }
  std::copy(bytes.begin(), bytes.end(), pending_.begin());
}

std::string Sha256::hex() {
  const std::uint64_t bits = length_ * 8;
  std::string padding(1 + (119 - length_ % 64) % 64, '\0');
  padding[0] = '\x80';
  for (int shift = 56; shift >= 0; shift -= 8) padding += static_cast<char>(bits >> static_cast<unsigned>(shift));
  update(padding);
  std::string text;
  for (const std::uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4)
      text += "0123456789abcdef"[(word >> static_cast<unsigned>(shift)) & 15U];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 sum;
  sum.update(bytes);
  return sum.hex();
}

}  // namespace mete::runtime::image
