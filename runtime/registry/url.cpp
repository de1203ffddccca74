// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/url.h"

#include <algorithm>

namespace mete::runtime::registry {
namespace {

std::string with_port(const Url& url) {
  const auto end = url.host.rfind(']');
  const auto colon = url.host.find(':', end == std::string::npos ? 0 : end);
  return colon != std::string::npos ? url.host : url.host + (url.scheme == "https" ? ":443" : ":80");
}

}  // namespace

Result<Url> parse_url(const std::string& text) {
  const auto bad = [&](const char* why) { return fail("URL \"" + text + "\": " + why); };
  const bool clean = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!clean || text.size() > 8192) return bad("found other characters than those of a URL, or more than 8192");
  Url url;
  const auto colon = text.find("://");
  if (colon == std::string::npos) return bad("expected http:// or https://");
  url.scheme = text.substr(0, colon);
  if (url.scheme != "http" && url.scheme != "https") return bad("expected http:// or https://");
  const std::string rest = text.substr(colon + 3);
  const auto slash = rest.find_first_of("/?#");
  url.host = rest.substr(0, slash);
  url.target = slash == std::string::npos ? "/" : rest.substr(slash);
  if (url.target[0] != '/') url.target.insert(0, "/");
  url.target.erase(std::min(url.target.find('#'), url.target.size()));
  if (url.host.find('@') != std::string::npos) return bad("found a user in it, expected none");
  if (url.host.empty() || url.host.find('\\') != std::string::npos) return bad("found no host");
  std::transform(url.host.begin(), url.host.end(), url.host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return url;
}

Result<Url> resolve_location(const Url& base, const std::string& location) {
  if (location.find("://") != std::string::npos && location.find("://") < location.find_first_of("/?#") + 1)
    return parse_url(location);
  if (location.starts_with("//")) return parse_url(base.scheme + ":" + location);
  if (location.starts_with('/')) return parse_url(base.scheme + "://" + base.host + location);
  if (location.empty()) return fail("found an empty Location, expected a URL");
  const std::string path = base.target.substr(0, base.target.find('?'));
  return parse_url(base.scheme + "://" + base.host + path.substr(0, path.rfind('/') + 1) + location);
}

bool same_origin(const Url& a, const Url& b) {
  return a.scheme == b.scheme && with_port(a) == with_port(b);
}

}  // namespace mete::runtime::registry
