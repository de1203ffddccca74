// SPDX-License-Identifier: Apache-2.0
// Widths of text on a terminal.
#include <algorithm>
#include <array>
#include <cstdint>

#include "agent/cli/top/view.h"

namespace mete::agent::cli {
namespace {

// The character at `at` and its length; what is no UTF-8 counts as one byte.
std::uint32_t decode(const std::string& text, std::size_t at, std::size_t& length) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  if (at + length > text.size()) length = 1;
  if (length == 1) return first;
  std::uint32_t code = first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) code = (code << 6U) | (byte(at + i) & 0x3fU);
  return code;
}

struct Range {
  std::uint32_t from, to;
};
// Unicode's wide and fullwidth blocks, and emoji.
constexpr std::array<Range, 9> kWide = {{{0x1100, 0x115f},
                                         {0x2e80, 0x303e},
                                         {0x3041, 0xa4cf},
                                         {0xac00, 0xd7a3},
                                         {0xf900, 0xfaff},
                                         {0xfe30, 0xfe6f},
                                         {0xff00, 0xff60},
                                         {0x1f300, 0x1faff},
                                         {0x20000, 0x3fffd}}};
constexpr std::array<Range, 4> kZero = {{{0x0300, 0x036f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}};

int width_of_code(std::uint32_t code) {
  const auto in = [code](const Range& range) { return code >= range.from && code <= range.to; };
  if (std::any_of(kZero.begin(), kZero.end(), in)) return 0;
  return std::any_of(kWide.begin(), kWide.end(), in) ? 2 : 1;
}

}  // namespace

int width_of(const std::string& text) {
  int width = 0;
  for (std::size_t at = 0, length = 0; at < text.size(); at += length) width += width_of_code(decode(text, at, length));
  return width;
}

std::string fit(const std::string& text, int width, bool right) {
  std::string out;
  int used = 0;
  for (std::size_t at = 0, length = 0; at < text.size(); at += length) {
    const int more = width_of_code(decode(text, at, length));
    if (used + more > width) break;
    out.append(text, at, length);
    used += more;
  }
  const std::string blanks(static_cast<std::size_t>(std::max(0, width - used)), ' ');
  return right ? blanks + out : out + blanks;
}

std::string sparkline(const std::vector<float>& values, std::size_t width, bool utf8) {
  constexpr std::array<const char*, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<const char*, 8> kAscii = {"_", ".", ",", "-", "=", "+", "*", "#"};
  const std::size_t count = std::min(width, values.size());
  float most = 100;
  for (const float value : values) most = std::max(most, value);
  std::string out(width - count, ' ');
  for (std::size_t i = values.size() - count; i < values.size(); ++i) {
    const auto step = static_cast<std::size_t>(std::clamp(values[i] / most * 7.99F, 0.0F, 7.0F));
    out += utf8 ? kBlocks.at(step) : kAscii.at(step);
  }
  return out;
}

}  // namespace mete::agent::cli
