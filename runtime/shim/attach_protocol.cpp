// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/attach_protocol.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "runtime/file.h"

namespace mete::runtime::shim::attach {
namespace {

constexpr char kHasTerminal = 1;
constexpr char kTakesInput = 2;
constexpr char kTakesItOnce = 4;

template <class Value>
std::string with_value(char letter, Value value) {
  std::string text(1 + sizeof value, letter);
  std::memcpy(text.data() + 1, &value, sizeof value);
  return text;
}

template <class Value>
std::optional<Value> value_of(std::string_view text) {
  Value value{};
  if (text.size() < 1 + sizeof value) return std::nullopt;
  std::memcpy(&value, text.data() + 1, sizeof value);
  return value;
}

// The folder, and the address of the socket in it by the folder's descriptor.
struct Place {
  UniqueFd folder;
  sockaddr_un address{};
};

Result<Place> place_of(const std::string& path) {
  const auto slash = path.rfind('/');
  Place place;
  METE_TRY(place.folder, open_at(AT_FDCWD, path.substr(0, slash), O_PATH | O_DIRECTORY));
  place.address.sun_family = AF_UNIX;
  std::snprintf(place.address.sun_path, sizeof place.address.sun_path, "/proc/self/fd/%d/%s", place.folder.get(),
                path.c_str() + slash + 1);
  return place;
}

Result<UniqueFd> make_socket() {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return fail_errno("socket");
  return socket;
}

}  // namespace

std::string message(const Hello& hello) {
  return {kHello, static_cast<char>((hello.terminal ? kHasTerminal : 0) | (hello.input ? kTakesInput : 0) |
                                    (hello.once ? kTakesItOnce : 0))};
}

std::string message(const WindowSize& size) {
  return with_value(kResize, size);
}
std::string skipped_message(std::uint64_t bytes) {
  return with_value(kSkipped, bytes);
}
std::string started_message(std::int32_t pid) {
  return with_value(kStarted, pid);
}
std::string exited_message(std::int32_t code) {
  return with_value(kExited, code);
}

std::optional<Hello> parse_hello(std::string_view text) {
  const auto flags = value_of<char>(text);
  if (!flags) return std::nullopt;
  return Hello{(*flags & kHasTerminal) != 0, (*flags & kTakesInput) != 0, (*flags & kTakesItOnce) != 0};
}

std::optional<WindowSize> parse_size(std::string_view text) {
  return value_of<WindowSize>(text);
}
std::optional<std::uint64_t> parse_skipped(std::string_view text) {
  return value_of<std::uint64_t>(text);
}
std::optional<std::int32_t> parse_exited(std::string_view text) {
  return value_of<std::int32_t>(text);
}

Result<UniqueFd> listen_at(const std::string& path) {
  constexpr int kWaiting = 16;
  METE_TRY(Place place, place_of(path));
  METE_TRY(UniqueFd socket, make_socket());
  const auto* address = reinterpret_cast<const sockaddr*>(&place.address);
  if (::bind(socket.get(), address, sizeof place.address) != 0 || ::listen(socket.get(), kWaiting) != 0)
    return fail_errno("listen at " + path);
  return socket;
}

Result<UniqueFd> connect_to(const std::string& path) {
  METE_TRY(Place place, place_of(path));
  METE_TRY(UniqueFd socket, make_socket());
  const auto* address = reinterpret_cast<const sockaddr*>(&place.address);
  if (::connect(socket.get(), address, sizeof place.address) != 0) return fail_errno("connect to " + path);
  return socket;
}

}  // namespace mete::runtime::shim::attach
