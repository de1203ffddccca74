// SPDX-License-Identifier: Apache-2.0
// The part of D-Bus that a method call to systemd needs (D-Bus specification 0.43): little endian, no bus names of the
// caller's own, no signals. Written here because a static program cannot have libsystemd.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::oci::dbus {

// The types of the systemd properties that mete-oci sets.
using Value = std::variant<std::string, bool, std::uint64_t, std::vector<std::uint32_t>, std::vector<std::uint8_t>>;

struct Property {
  std::string name;
  Value value;
  bool operator==(const Property&) const = default;
};

// A message's body, or a part of it. Offsets and padding count from its start.
class Body {
 public:
  void byte(std::uint8_t value) { bytes_ += static_cast<char>(value); }
  void number(std::uint32_t value);
  void big_number(std::uint64_t value);
  void text(const std::string& value);       // s and o
  void signature(const std::string& value);  // g
  void pad(std::size_t to);
  void value(const Value& value);                     // v
  void properties(const std::vector<Property>& all);  // a(sv)
  // Begins an array whose elements are padded to `element`; end_array() fills in its length.
  std::size_t begin_array(std::size_t element);
  void end_array(std::size_t begun);
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::vector<std::size_t> starts_;
};

struct Call {
  std::string destination;  // may be empty on a connection to a single program
  std::string path;
  std::string interface;
  std::string member;
  std::string signature;
  Body body;
};

// The whole message, header and body.
[[nodiscard]] std::string to_bytes(const Call& call, std::uint32_t serial);

// The answer to a call.
struct Reply {
  std::uint8_t type = 0;      // 2: returned, 3: an error
  std::uint32_t answers = 0;  // the serial of the call
  std::string error;          // name of the error
  std::string text;           // first argument, when it is a text
};

// Length of a message by its first 16 bytes, without checks. 0: not a message.
[[nodiscard]] std::size_t length_of(std::string_view first_16);
// Parses one whole message; no length in it is trusted.
[[nodiscard]] Result<Reply> parse_reply(std::string_view message);

// A connection that is authenticated as the caller's user (SASL EXTERNAL).
class Connection {
 public:
  [[nodiscard]] static Result<Connection> open(const std::string& socket_path);
  // Waits at most 25 s for the answer. An error answer becomes an error with its name and text.
  [[nodiscard]] Status call(const Call& call);

 private:
  explicit Connection(UniqueFd socket) : socket_(std::move(socket)) {}
  [[nodiscard]] Result<std::string> receive(std::size_t size);

  UniqueFd socket_;
  std::uint32_t serial_ = 0;
};

}  // namespace mete::runtime::oci::dbus
