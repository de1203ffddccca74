// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/exposed_ports.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

namespace mete::runtime::image {
namespace {

Result<int> port_of(std::string_view text, const std::string& word) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > 65535)
    return fail("EXPOSE: found \"" + word + "\", expected a port such as 80, 53/udp or 8000-8010");
  return port;
}

}  // namespace

Result<std::vector<std::string>> exposed_ports(const std::string& word) {
  const std::size_t slash = word.find('/');
  std::string protocol = slash == std::string::npos ? "tcp" : word.substr(slash + 1);
  for (char& each : protocol) each = static_cast<char>(std::tolower(static_cast<unsigned char>(each)));
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp")
    return fail("EXPOSE: found \"" + word + "\", expected tcp, udp or sctp behind the port");
  const std::string_view ports = std::string_view(word).substr(0, slash);
  const std::size_t dash = ports.find('-');
  METE_TRY(const int first, port_of(ports.substr(0, dash), word));
  int last = first;
  if (dash != std::string::npos) {
    METE_TRY(last, port_of(ports.substr(dash + 1), word));
  }
  if (last < first) return fail("EXPOSE: found \"" + word + "\", expected the lower port first");
  std::vector<std::string> all;
  for (int port = first; port <= last; ++port) all.push_back(std::to_string(port) + "/" + protocol);
  return all;
}

}  // namespace mete::runtime::image
