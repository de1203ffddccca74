// SPDX-License-Identifier: Apache-2.0
// As much of D-Bus as it takes to call a method of systemd (D-Bus specification 0.43): little endian, no names of our
// own, no signals. A static program cannot have libsystemd.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime::oci::dbus {

// The types of systemd's properties that we set.
using Value = std::variant<std::string, bool, std::uint64_t, std::vector<std::uint32_t>, std::vector<std::uint8_t>>;

struct Property {
  std::string name;
  Value value;
  bool operator==(const Property&) const = default;
};

// A message's body, or a part of it. Offsets, and so the padding, count from its start.
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
  std::string destination;  // may be empty where one speaks to one program alone
  std::string path;
  std::string interface;
  std::string member;
  std::string signature;
  Body body;
};

// The whole message.
[[nodiscard]] std::string to_bytes(const Call& call, std::uint32_t serial);

struct Reply {
  std::uint8_t type = 0;      // 2: returned, 3: an error
  std::uint32_t answers = 0;  // the serial of the call
  std::string error;          // its name
  std::string text;           // its first argument, when that is a text
};

// One message without its length checks: how long it is, the first 16 bytes tell. 0: no message.
[[nodiscard]] std::size_t length_of(std::string_view first_16);
// No length in it is trusted.
[[nodiscard]] Result<Reply> parse_reply(std::string_view message);

// Connected and authenticated as our user (SASL EXTERNAL).
class Connection {
 public:
  [[nodiscard]] static Result<Connection> open(const std::string& socket_path);
  // Waits for the answer, at most 25 s. An error answer is an error with its name and text.
  [[nodiscard]] Status call(const Call& call);

 private:
  explicit Connection(UniqueFd socket) : socket_(std::move(socket)) {}
  [[nodiscard]] Result<std::string> receive(std::size_t size);

  UniqueFd socket_;
  std::uint32_t serial_ = 0;
};

}  // namespace mete::runtime::oci::dbus
