// SPDX-License-Identifier: Apache-2.0
#include "agent/http/http_types.h"

namespace mete::agent {

std::vector<std::string> HttpRequest::parameters(const std::string& name) const {
  std::vector<std::string> all;
  const auto [begin, end] = query.equal_range(name);
  for (auto each = begin; each != end; ++each) all.push_back(each->second);
  return all;
}

std::string HttpRequest::parameter(const std::string& name) const {
  const auto at = query.find(name);
  return at == query.end() ? std::string() : at->second;
}

}  // namespace mete::agent
