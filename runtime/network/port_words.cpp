// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/port_words.h"

#include <charconv>

namespace mete::runtime::network {
namespace {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  [[nodiscard]] unsigned count() const { return static_cast<unsigned>(last - first) + 1; }
};

constexpr const char* kForm = "[ADDRESS:][PORT[-PORT]:]PORT[-PORT][/tcp|udp|sctp], such as 127.0.0.1:8080:80/tcp";

tl::unexpected<Error> wrong(std::string_view text, const std::string& expected) {
  return fail("published port: found \"" + std::string(text) + "\", expected " + expected);
}

std::optional<std::uint16_t> port_in(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::optional<PortRange> range_in(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = port_in(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : port_in(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return PortRange{*first, *last};
}

std::optional<config::Protocol> protocol_in(std::string_view text) {
  for (const auto each : {config::Protocol::kTcp, config::Protocol::kUdp, config::Protocol::kSctp}) {
    if (text == to_string(each)) return each;
  }
  return std::nullopt;
}

// The part behind the last colon; what stood before it stays in `rest`.
std::string_view take_last(std::string_view& rest, bool& more) {
  const auto colon = rest.rfind(':');
  more = colon != std::string_view::npos;
  const std::string_view last = more ? rest.substr(colon + 1) : rest;
  rest = more ? rest.substr(0, colon) : std::string_view();
  return last;
}

Result<std::optional<IpAddress>> address_in(std::string_view text, std::string_view whole) {
  const bool brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  if (brackets) text = text.substr(1, text.size() - 2);
  const auto address = config::parse_ip(text);
  if (!address || address->v6 != brackets) return wrong(whole, "an IPv4 address, or an IPv6 address in brackets");
  if (*address == IpAddress{address->v6, {}}) return std::optional<IpAddress>();
  return address;
}

}  // namespace

Result<std::vector<WantedPort>> parse_port_words(std::string_view text) {
  std::string_view rest = text;
  WantedPort wanted;
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    const auto protocol = protocol_in(rest.substr(slash + 1));
    if (!protocol) return wrong(text, "the protocol tcp, udp or sctp");
    wanted.protocol = *protocol;
    rest = rest.substr(0, slash);
  }
  bool more = false;
  const auto inside = range_in(take_last(rest, more));
  if (!inside) return wrong(text, kForm);
  std::optional<PortRange> outside;
  if (more) {
    const std::string_view word = take_last(rest, more);
    outside = range_in(word);
    if (!outside && !(word.empty() && more)) return wrong(text, kForm);
  }
  if (more) {
    METE_TRY(wanted.host_address, address_in(rest, text));
  }
  const bool choice = outside && inside->count() == 1;
  if (outside && !choice && outside->count() != inside->count())
    return wrong(text, "ranges of one length, or one port of the container");
  std::vector<WantedPort> all;
  for (unsigned i = 0; i < inside->count(); ++i) {
    wanted.container_port = static_cast<std::uint16_t>(inside->first + i);
    if (outside) {
      wanted.first = static_cast<std::uint16_t>(outside->first + (choice ? 0 : i));
      wanted.last = choice ? outside->last : wanted.first;
    }
    all.push_back(wanted);
  }
  return all;
}

std::string to_string(const WantedPort& port) {
  std::string address;
  if (port.host_address) {
    address = config::to_string(*port.host_address);
    address = (port.host_address->v6 ? "[" + address + "]" : address) + ":";
  }
  std::string host;
  if (port.first != 0) host = std::to_string(port.first);
  if (port.last != port.first) host += "-" + std::to_string(port.last);
  if (!host.empty() || !address.empty()) host += ":";
  return address + host + std::to_string(port.container_port) + "/" + to_string(port.protocol);
}

}  // namespace mete::runtime::network
