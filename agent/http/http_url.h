// SPDX-License-Identifier: Apache-2.0
// Percent-encoding (RFC 3986 2.1) and query strings. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mete::agent {

// An invalid sequence is kept as it is; `+` is a blank only in a query.
[[nodiscard]] std::string url_decode(std::string_view text, bool in_query = true);
[[nodiscard]] std::string url_encode(std::string_view text);

struct RequestTarget {
  std::string path;                               // decoded
  std::multimap<std::string, std::string> query;  // values of one name in their order
};
// "/metrics?collect[]=cpu&collect[]=memory"
[[nodiscard]] RequestTarget parse_target(std::string_view target);

}  // namespace mete::agent
