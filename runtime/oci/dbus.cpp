// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/dbus.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/file.h"
#include "runtime/oci/console.h"

namespace mete::runtime::oci::dbus {
namespace {

constexpr std::uint8_t kCall = 1;
constexpr std::uint8_t kReturn = 2;
constexpr std::uint8_t kError = 3;
constexpr std::size_t kHead = 16;  // the fixed part of the header, and the length of the field array
constexpr std::size_t kLargest = 1U << 20U;
enum Field : std::uint8_t {
  kPath = 1,
  kInterface = 2,
  kMember = 3,
  kErrorName = 4,
  kReplySerial = 5,
  kDestination = 6,
  kSignature = 8
};

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  if (at + 4 <= bytes.size()) std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

std::size_t padded(std::size_t at, std::size_t to) {
  return (at + to - 1) / to * to;
}

// Reads a text of a message; empty when its length exceeds the message.
std::string text_at(std::string_view bytes, std::size_t at) {
  const std::size_t length = number_at(bytes, at);
  return at + 4 + length <= bytes.size() ? std::string(bytes.substr(at + 4, length)) : std::string();
}

}  // namespace

void Body::number(std::uint32_t value) {
  pad(4);
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void Body::big_number(std::uint64_t value) {
  pad(8);
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void Body::text(const std::string& value) {
  number(static_cast<std::uint32_t>(value.size()));
  bytes_.append(value.c_str(), value.size() + 1);
}

void Body::signature(const std::string& value) {
  byte(static_cast<std::uint8_t>(value.size()));
  bytes_.append(value.c_str(), value.size() + 1);
}

void Body::pad(std::size_t to) {
  bytes_.resize(padded(bytes_.size(), to));
}

std::size_t Body::begin_array(std::size_t element) {
  number(0);
  const std::size_t begun = bytes_.size() - 4;
  pad(element);
  starts_.push_back(bytes_.size());
  return begun;
}

void Body::end_array(std::size_t begun) {
  const auto length = static_cast<std::uint32_t>(bytes_.size() - starts_.back());
  starts_.pop_back();
  std::memcpy(bytes_.data() + begun, &length, sizeof length);
}

void Body::value(const Value& value) {
  if (const auto* as_text = std::get_if<std::string>(&value)) {
    signature("s");
    text(*as_text);
  } else if (const auto* as_boolean = std::get_if<bool>(&value)) {
    signature("b");
    number(*as_boolean ? 1 : 0);
  } else if (const auto* as_number = std::get_if<std::uint64_t>(&value)) {
    signature("t");
    big_number(*as_number);
  } else if (const auto* as_numbers = std::get_if<std::vector<std::uint32_t>>(&value)) {
    signature("au");
    const std::size_t begun = begin_array(4);
    for (const std::uint32_t each : *as_numbers) number(each);
    end_array(begun);
  } else {
    signature("ay");
    const std::size_t begun = begin_array(1);
    for (const std::uint8_t each : std::get<std::vector<std::uint8_t>>(value)) byte(each);
    end_array(begun);
  }
}

void Body::properties(const std::vector<Property>& all) {
  const std::size_t begun = begin_array(8);
  for (const auto& property : all) {
    pad(8);
    text(property.name);
    value(property.value);
  }
  end_array(begun);
}

std::string to_bytes(const Call& call, std::uint32_t serial) {
  Body head;
  head.byte('l');
  head.byte(kCall);
  head.byte(0);
  head.byte(1);  // protocol version
  head.number(static_cast<std::uint32_t>(call.body.bytes().size()));
  head.number(serial);
  const std::size_t begun = head.begin_array(8);
  const auto add = [&](Field field, const char* type, const std::string& value) {
    if (value.empty()) return;
    head.pad(8);
    head.byte(field);
    head.signature(type);
    if (*type == 'g') {
      head.signature(value);
    } else {
      head.text(value);
    }
  };
  add(kPath, "o", call.path);
  add(kInterface, "s", call.interface);
  add(kMember, "s", call.member);
  add(kDestination, "s", call.destination);
  add(kSignature, "g", call.signature);
  head.end_array(begun);
  head.pad(8);
  return head.bytes() + call.body.bytes();
}

std::size_t length_of(std::string_view first_16) {
  if (first_16.size() < kHead || first_16[0] != 'l') return 0;
  const std::size_t fields = number_at(first_16, 12);
  const std::size_t body = number_at(first_16, 4);
  if (fields > kLargest || body > kLargest) return 0;
  return padded(kHead + fields, 8) + body;
}

Result<Reply> parse_reply(std::string_view message) {
  if (length_of(message) == 0 || length_of(message) != message.size()) return fail("D-Bus: found a truncated message");
  Reply reply;
  reply.type = static_cast<std::uint8_t>(message[1]);
  const std::size_t end = kHead + number_at(message, 12);
  std::string signature;
  for (std::size_t at = kHead; at + 4 < end;) {
    at = padded(at, 8);
    if (at + 4 > end) break;
    const auto field = static_cast<std::uint8_t>(message[at]);
    // A variant with one type: length, type, NUL.
    const char type = message[at + 2];
    at += 4;
    if (type == 'u') {
      if (field == kReplySerial) reply.answers = number_at(message, padded(at, 4));
      at = padded(at, 4) + 4;
    } else if (type == 's' || type == 'o') {
      at = padded(at, 4);
      if (field == kErrorName) reply.error = text_at(message.substr(0, end), at);
      at += 4 + std::size_t{number_at(message, at)} + 1;
    } else if (type == 'g') {
      const std::size_t length = at < end ? static_cast<unsigned char>(message[at]) : 0;
      if (field == kSignature && at + 1 + length <= end) signature = message.substr(at + 1, length);
      at += length + 2;
    } else {
      return fail("D-Bus: found a header field of the type " + std::string(1, type));
    }
  }
  const std::size_t body = padded(end, 8);
  if (signature.starts_with('s') && body <= message.size()) reply.text = text_at(message.substr(body), 0);
  return reply;
}

Result<Connection> Connection::open(const std::string& socket_path) {
  METE_TRY(UniqueFd socket, connect_to(socket_path, "D-Bus socket"));
  Connection made(std::move(socket));
  std::string hello("\0AUTH EXTERNAL ", 15);
  for (const char digit : std::to_string(::geteuid())) {
    constexpr char kHex[] = "0123456789abcdef";
    hello += kHex[static_cast<unsigned char>(digit) >> 4U];
    hello += kHex[static_cast<unsigned char>(digit) & 0xFU];
  }
  // All in one write, as systemd's own clients do: the server handles data that follows BEGIN in the same read only
  // when more data arrives.
  METE_CHECK(write_all(made.socket_.get(), hello + "\r\nBEGIN\r\n"));
  std::string answer;
  while (!answer.ends_with("\r\n")) {
    METE_TRY(const std::string next, made.receive(1));
    answer += next;
    constexpr std::size_t kLongestLine = 512;
    if (answer.size() > kLongestLine) break;
  }
  if (!answer.starts_with("OK "))
    return fail("D-Bus at " + socket_path + ": found \"" + answer.substr(0, answer.find('\r')) +
                "\", expected to be let in");
  return made;
}

Result<std::string> Connection::receive(std::size_t size) {
  constexpr int kLongestMilliseconds = 25'000;
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size;) {
    pollfd wait{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, kLongestMilliseconds);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return fail("D-Bus: found no answer within 25 s");
    const ssize_t got = ::read(socket_.get(), bytes.data() + at, size - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("D-Bus");
    if (got == 0) return fail("D-Bus: the other side closed the connection");
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

Status Connection::call(const Call& call) {
  const std::uint32_t serial = ++serial_;
  METE_CHECK(write_all(socket_.get(), to_bytes(call, serial)));
  while (true) {
    METE_TRY(std::string message, receive(kHead));
    const std::size_t length = length_of(message);
    if (length < kHead) return fail("D-Bus: found bytes that are not a message");
    METE_TRY(const std::string rest, receive(length - kHead));
    METE_TRY(const Reply reply, parse_reply(message + rest));
    if (reply.answers != serial) continue;  // a signal; skipped
    if (reply.type == kReturn) return {};
    if (reply.type == kError)
      return fail(call.member + ": " + reply.error + (reply.text.empty() ? "" : ": " + reply.text));
  }
}

}  // namespace mete::runtime::oci::dbus
