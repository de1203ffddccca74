// SPDX-License-Identifier: Apache-2.0
// A program whose subjects are several readers: the first byte of an input says which of them gets the rest ('a' the
// first, 'b' the second, ...). One reader a run: what the others would do with the same bytes only takes time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace mete::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

using Reader = void (*)(const std::string& text);

template <std::size_t kReaders>
void give(const Reader (&readers)[kReaders], const std::uint8_t* data, std::size_t size) {
  if (size == 0) return;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  readers[static_cast<std::uint8_t>(data[0] - 'a') % kReaders](text);
}

}  // namespace mete::fuzz
