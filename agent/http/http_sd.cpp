// SPDX-License-Identifier: Apache-2.0
#include "agent/http/http_sd.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "runtime/json.h"

namespace mete::agent {
namespace {

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  constexpr unsigned kLast = 65535;
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && port > 0 && port <= kLast;
}

// "name:9753", "192.0.2.1", "[2001:db8::1]:9753"; adds the scheme's default port where there is none. Empty: `host` is
// no address.
std::string address_of(std::string_view host, bool tls) {
  const bool bracketed = host.starts_with('[');
  const auto end = bracketed ? host.find(']') : host.find(':');
  const std::string_view name = host.substr(0, end == std::string_view::npos ? end : end + (bracketed ? 1 : 0));
  const std::string_view rest = host.substr(name.size());
  const bool fits = std::all_of(name.begin(), name.end(), [bracketed](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' ||
           (bracketed && (c == ':' || c == '[' || c == ']'));
  });
  if (name.size() < (bracketed ? 4U : 1U) || !fits || (bracketed && name.back() != ']')) return {};
  if (rest.empty()) return std::string(name) + (tls ? ":443" : ":80");
  if (rest.front() != ':' || !is_port(rest.substr(1))) return {};
  return std::string(host);
}

// 0.0.0.0 and [::] are addresses to listen on; a client cannot connect to them.
std::string reachable(const std::string& bound, const std::string& machine) {
  if (!bound.starts_with("0.0.0.0:") && !bound.starts_with("[::]:")) return bound;
  return machine + bound.substr(bound.rfind(':'));
}

}  // namespace

HttpResponse service_discovery(const HttpRequest& request, const std::string& machine) {
  std::string target = request.local ? std::string() : address_of(request.host, request.tls);
  if (target.empty()) target = reachable(request.tcp_address, machine);
  const nlohmann::ordered_json group = {{"targets", {target}},
                                        {"labels",
                                         {{"__metrics_path__", "/metrics"},
                                          {"__scheme__", request.tls ? "https" : "http"},
                                          {"__meta_mete_machine", machine}}}};
  HttpResponse response;
  response.type = "application/json";
  response.body =
      nlohmann::ordered_json::array({group}).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
      "\n";
  return response;
}

}  // namespace mete::agent
