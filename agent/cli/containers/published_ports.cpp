// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/containers/published_ports.h"

#include <charconv>
#include <optional>

namespace mete::agent::cli {
namespace {

struct PortRange {
  unsigned first = 0;
  unsigned last = 0;

  [[nodiscard]] unsigned size() const { return last - first + 1; }
};

std::optional<unsigned> port_of(std::string_view text) {
  constexpr unsigned kLast = 65535;
  unsigned port = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return port == 0 || port > kLast ? std::nullopt : std::optional(port);
}

std::optional<PortRange> range_of(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = port_of(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : port_of(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return PortRange{*first, *last};
}

}  // namespace

Result<std::vector<PublishedFlag>> published_ports(const std::string& text) {
  const auto wrong = [&](const std::string& expected) {
    return fail("--publish: found \"" + text + "\", expected " + expected);
  };
  const std::string form = "[ADDRESS:][PORT:]PORT[/tcp|udp|sctp], where PORT may be a range such as 80-82";
  const auto slash = text.find('/');
  const std::string protocol = slash == std::string::npos ? "tcp" : text.substr(slash + 1);
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return wrong(form);
  std::string rest = text.substr(0, slash);
  const auto last = rest.rfind(':');
  const auto inside = range_of(std::string_view(rest).substr(last == std::string::npos ? 0 : last + 1));
  rest.erase(last == std::string::npos ? 0 : last);
  const auto before = rest.rfind(':');
  const std::string given = rest.substr(before == std::string::npos ? 0 : before + 1);
  std::string address = before == std::string::npos ? "" : rest.substr(0, before);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  const auto outside = given.empty() ? std::nullopt : range_of(given);
  if (!inside || (!given.empty() && !outside)) return wrong(form);
  if (outside && outside->size() != inside->size()) return wrong("as many ports of the machine as of the container");
  std::vector<PublishedFlag> ports;
  for (unsigned i = 0; i < inside->size(); ++i) {
    const std::string own = outside ? std::to_string(outside->first + i) : std::string();
    ports.push_back({address, own, std::to_string(inside->first + i), protocol});
  }
  return ports;
}

}  // namespace mete::agent::cli
