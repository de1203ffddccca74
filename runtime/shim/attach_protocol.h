// SPDX-License-Identifier: Apache-2.0
// What a shim and an attacher (`mete attach`) tell each other, over a socket of whole messages (SOCK_SEQPACKET) at
// AttemptFiles::attach(). A message is a letter and what belongs to it; numbers are the machine's own. A shim and an
// attacher may be of two versions: letters that are not known are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::shim::attach {

// From the attacher.
constexpr char kInput = 'i';     // bytes for the container's standard input
constexpr char kInputEnd = 'e';  // it has no more of them
constexpr char kResize = 'w';    // a WindowSize
constexpr char kPatience = 'b';  // nothing is to be left out: the container waits, for a bounded time, until it is read

// From the shim.
constexpr char kHello = 'h';    // a Hello, the first message of all
constexpr char kOutput = 'o';   // bytes of standard output, or of the terminal
constexpr char kErrors = 'r';   // bytes of standard error
constexpr char kSkipped = 's';  // uint64: so many bytes were left out, because they were not read in time
constexpr char kStarted = 'p';  // int32: of an exec: the process id of its command
constexpr char kExited = 'x';   // int32: the exit code of the container or the command, the last message of all

constexpr std::size_t kLargestMessage = (16U << 10U) + 1;

struct Hello {
  bool terminal = false;  // the container has one
  bool input = false;     // its standard input is open
  bool once = false;      // and is closed when the first attacher's ends
  bool operator==(const Hello&) const = default;
};

struct WindowSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  bool operator==(const WindowSize&) const = default;
};

[[nodiscard]] std::string message(const Hello& hello);
[[nodiscard]] std::string message(const WindowSize& size);
[[nodiscard]] std::string skipped_message(std::uint64_t bytes);
[[nodiscard]] std::string exited_message(std::int32_t code);
[[nodiscard]] std::string started_message(std::int32_t pid);

// Of a whole message, its letter included. Empty: it is too short.
[[nodiscard]] std::optional<Hello> parse_hello(std::string_view text);
[[nodiscard]] std::optional<WindowSize> parse_size(std::string_view text);
[[nodiscard]] std::optional<std::uint64_t> parse_skipped(std::string_view text);
[[nodiscard]] std::optional<std::int32_t> parse_exited(std::string_view text);

// Sockets at `path`, however long it is: a socket's address has room for 108 bytes only.
[[nodiscard]] Result<UniqueFd> listen_at(const std::string& path);
[[nodiscard]] Result<UniqueFd> connect_to(const std::string& path);

}  // namespace mete::runtime::shim::attach
