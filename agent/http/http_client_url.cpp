// SPDX-License-Identifier: Apache-2.0
#include "agent/http/http_client.h"

namespace mete::agent {

std::string HttpUrl::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + port;
}

Result<HttpUrl> parse_url(std::string_view url) {
  HttpUrl parsed;
  parsed.tls = url.starts_with("https://");
  if (!parsed.tls && !url.starts_with("http://"))
    return fail("found \"" + std::string(url) + "\", expected http://HOST[:PORT][/PATH] or https://");
  std::string_view rest = url.substr(url.find("//") + 2);
  const auto slash = rest.find('/');
  parsed.path = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  rest = rest.substr(0, slash);
  const auto bracket = rest.find(']');
  const auto colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  parsed.port = colon == std::string_view::npos ? (parsed.tls ? "443" : "80") : std::string(rest.substr(colon + 1));
  rest = rest.substr(0, colon);
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  parsed.host = rest;
  const bool digits = parsed.port.find_first_not_of("0123456789") == std::string::npos && parsed.port.size() < 6;
  if (parsed.host.empty() || parsed.port.empty() || !digits || std::stoul(parsed.port) > 65535)
    return fail("found \"" + std::string(url) + "\", expected a host and a port up to 65535");
  return parsed;
}

}  // namespace mete::agent
