// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/hpack.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace mete::agent::hpack {
namespace {

// The Huffman code of RFC 7541, Appendix B, is canonical: the lengths of the codes of all bytes, and of the end of the
// text, say all.
constexpr std::size_t kSymbols = 257;
constexpr unsigned kEnd = 256;
constexpr std::array<std::uint8_t, kSymbols> kLengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,  5,  5,  5,  6,  6,  6,  6,  6,  6,  6,
    7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
    7,  8,  7,  8,  13, 19, 13, 14, 6,  15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,
    5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24,
    24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22,
    23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26,
    27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23,
    22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
};
constexpr unsigned kLongest = 30;

struct HuffmanTable {
  std::array<std::uint16_t, kSymbols> symbols{};           // by length, then by symbol
  std::array<std::uint32_t, kLongest + 1> first_code{};    // of each length
  std::array<std::uint16_t, kLongest + 1> first_symbol{};  // its place in `symbols`
  std::array<std::uint16_t, kLongest + 1> count{};
};

HuffmanTable make_table() {
  HuffmanTable table;
  std::iota(table.symbols.begin(), table.symbols.end(), std::uint16_t{0});
  std::stable_sort(table.symbols.begin(), table.symbols.end(),
                   [](auto a, auto b) { return kLengths.at(a) < kLengths.at(b); });
  for (const auto length : kLengths) ++table.count.at(length);
  std::uint32_t code = 0;
  std::uint16_t symbol = 0;
  for (unsigned length = 1; length <= kLongest; ++length) {
    code <<= 1U;
    table.first_code.at(length) = code;
    table.first_symbol.at(length) = symbol;
    code += table.count.at(length);
    symbol = static_cast<std::uint16_t>(symbol + table.count.at(length));
  }
  return table;
}

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::uint8_t peek() const { return static_cast<std::uint8_t>(bytes_.front()); }

  // RFC 7541, 5.1: in the low `bits` of the first byte, and what follows.
  std::optional<std::uint32_t> integer(unsigned bits) {
    if (empty()) return std::nullopt;
    const std::uint32_t most = (1U << bits) - 1;
    std::uint32_t value = peek() & most;
    bytes_.remove_prefix(1);
    if (value < most) return value;
    for (unsigned shift = 0; shift <= 21; shift += 7) {
      if (empty()) return std::nullopt;
      const std::uint8_t next = peek();
      bytes_.remove_prefix(1);
      value += (next & 0x7FU) << shift;
      if ((next & 0x80U) == 0) return value;
    }
    return std::nullopt;
  }

  // 5.2
  std::optional<std::string> text() {
    if (empty()) return std::nullopt;
    const bool huffman = (peek() & 0x80U) != 0;
    const auto length = integer(7);
    if (!length || *length > bytes_.size()) return std::nullopt;
    const std::string_view bytes = bytes_.substr(0, *length);
    bytes_.remove_prefix(*length);
    return huffman ? decode_huffman(bytes) : std::optional(std::string(bytes));
  }

 private:
  std::string_view bytes_;
};

// Of Appendix A.
constexpr std::uint32_t kStatic = 61;
constexpr std::uint32_t kFirstStatus = 8;
constexpr std::array<std::string_view, 7> kStatus = {"200", "204", "206", "304", "400", "404", "500"};

bool is_status(std::uint32_t index) {
  return index >= kFirstStatus && index < kFirstStatus + kStatus.size();
}

bool read_literal(Input& in, unsigned bits, Headers& headers) {
  const auto index = in.integer(bits);
  if (!index || *index > kStatic) return false;
  const auto name = *index == 0 ? in.text() : std::optional(std::string(is_status(*index) ? ":status" : ""));
  const auto value = in.text();
  if (!name || !value) return false;
  headers.emplace_back(*name, *value);
  return true;
}

}  // namespace

std::optional<std::string> decode_huffman(std::string_view bytes) {
  static const HuffmanTable table = make_table();
  std::string out;
  std::uint32_t code = 0;
  unsigned length = 0;
  for (const char byte : bytes) {
    for (int bit = 7; bit >= 0; --bit) {
      code = code << 1U | (static_cast<std::uint8_t>(byte) >> static_cast<unsigned>(bit) & 1U);
      if (++length > kLongest) return std::nullopt;
      const std::uint32_t at = code - table.first_code.at(length);
      if (code < table.first_code.at(length) || at >= table.count.at(length)) continue;
      const unsigned symbol = table.symbols.at(table.first_symbol.at(length) + at);
      if (symbol == kEnd) return std::nullopt;
      out += static_cast<char>(symbol);
      code = length = 0;
    }
  }
  // What is left pads the last byte with ones.
  if (length > 7 || code != (1U << length) - 1) return std::nullopt;
  return out;
}

std::optional<Headers> decode(std::string_view block) {
  Headers headers;
  Input in(block);
  while (!in.empty()) {
    const std::uint8_t first = in.peek();
    if ((first & 0x80U) != 0) {
      const auto index = in.integer(7);
      if (!index || *index == 0 || *index > kStatic) return std::nullopt;
      if (is_status(*index)) headers.emplace_back(":status", kStatus.at(*index - kFirstStatus));
    } else if ((first & 0xC0U) == 0x40U) {
      if (!read_literal(in, 6, headers)) return std::nullopt;
    } else if ((first & 0xE0U) == 0x20U) {
      if (in.integer(5) != 0U) return std::nullopt;  // the size of the dynamic table, of which none was allowed
    } else if (!read_literal(in, 4, headers)) {
      return std::nullopt;
    }
  }
  return headers;
}

void append_literal(std::string& block, std::uint32_t index, std::string_view name, std::string_view value) {
  const auto integer = [&](std::uint32_t number, std::uint32_t most) {
    if (number < most) return block.push_back(static_cast<char>(number));
    block.push_back(static_cast<char>(most));
    number -= most;
    for (; number >= 0x80; number >>= 7U) block.push_back(static_cast<char>((number & 0x7FU) | 0x80U));
    block.push_back(static_cast<char>(number));
  };
  const auto text = [&](std::string_view bytes) {
    integer(static_cast<std::uint32_t>(bytes.size()), 127);
    block += bytes;
  };
  integer(index, 15);
  if (index == 0) text(name);
  text(value);
}

}  // namespace mete::agent::hpack
