// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/http2_frames.h"

namespace mete::agent::http2 {
namespace {

constexpr std::size_t kFrameHead = 9;
constexpr std::size_t kMostFrame = 16384;  // SETTINGS_MAX_FRAME_SIZE, which nobody here raises
constexpr std::uint32_t kStreamBits = 0x7FFFFFFF;

}  // namespace

Result<std::optional<Frame>> take_frame(std::string_view& bytes) {
  if (bytes.size() < kFrameHead) return std::nullopt;
  const std::size_t length = number_of(bytes.substr(0, 3));
  if (length > kMostFrame)
    return fail("HTTP/2: found a frame of " + std::to_string(length) + " bytes, expected at most " +
                std::to_string(kMostFrame));
  if (bytes.size() < kFrameHead + length) return std::nullopt;
  const Frame frame{static_cast<Type>(bytes[3]), static_cast<std::uint8_t>(bytes[4]),
                    number_of(bytes.substr(5, 4)) & kStreamBits, bytes.substr(kFrameHead, length)};
  bytes.remove_prefix(kFrameHead + length);
  return frame;
}

void append_frame(std::string& out, const Frame& frame) {
  append_number(out, static_cast<std::uint32_t>(frame.payload.size()), 3);
  append_number(out, static_cast<std::uint32_t>(frame.type), 1);
  append_number(out, frame.flags, 1);
  append_number(out, frame.stream, 4);
  out += frame.payload;
}

std::uint32_t number_of(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char each : bytes) value = value << 8U | static_cast<std::uint8_t>(each);
  return value;
}

void append_number(std::string& out, std::uint32_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> static_cast<unsigned>(shift) & 0xFFU));
}

}  // namespace mete::agent::http2
