// SPDX-License-Identifier: Apache-2.0
// Frames of HTTP/2 (RFC 9113, 4.1 and 6), for a peer that does not raise their size. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::agent::http2 {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // what a client says first

enum class Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kResetStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};

inline constexpr std::uint8_t kEndStream = 0x1;
inline constexpr std::uint8_t kAcknowledged = 0x1;
inline constexpr std::uint8_t kEndHeaders = 0x4;

struct Frame {
  Type type;
  std::uint8_t flags;
  std::uint32_t stream;
  std::string_view payload;  // in the bytes that it was taken from
};

// Takes the first frame from `bytes`. Empty: the rest of it has not come. An error: this is no HTTP/2.
[[nodiscard]] Result<std::optional<Frame>> take_frame(std::string_view& bytes);
void append_frame(std::string& out, const Frame& frame);

// Numbers of several bytes, the highest first.
[[nodiscard]] std::uint32_t number_of(std::string_view bytes);
void append_number(std::string& out, std::uint32_t value, int bytes);

}  // namespace mete::agent::http2
