// SPDX-License-Identifier: Apache-2.0
// Any bytes as a web configuration, as headers and as a request's target: no crash, no exception, every error has a
// place.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "agent/http/http_negotiate.h"
#include "agent/http/http_sd.h"
#include "agent/http/http_url.h"
#include "config/model/web_config.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mete;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = config::read_web_config(text, "/etc/mete/web.yml");
  for (const auto& error : read.errors) {
    require(error.location.line > 0 && error.location.column > 0 && !error.message.empty());
  }
  if (read.errors.empty()) {
    for (const auto& [user, hash] : read.config.users) require(config::bcrypt_cost(hash).has_value());
    for (const auto& [name, value] : read.config.headers) require(value.find_first_of("\r\n") == std::string::npos);
    if (read.config.tls) require(!read.config.tls->cert.empty() || !read.config.tls->cert_file.empty());
  }
  (void)agent::choose_format(text);
  (void)agent::accepts_gzip(text);
  require(!agent::parse_target(text).path.empty());
  require(agent::url_decode(agent::url_encode(text)) == text);
  agent::HttpRequest request;
  request.host = std::string(text);
  request.tcp_address = "[::]:9753";
  (void)agent::service_discovery(request, "box");
  return 0;
}
