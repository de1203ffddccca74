// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/pod_object.h"

#include "agent/http/http_url.h"

namespace mete::agent::cli {

Fetched fetch_pod_object(const Common& common, const std::string& key) {
  const auto slash = key.find('/');
  auto fetched = fetch(common, "GET",
                       "/mete/v1/objects/pods?namespace=" + url_encode(key.substr(0, slash)) +
                           "&name=" + url_encode(key.substr(slash + 1)));
  if (fetched.code != kDone) return fetched;
  const auto& items = fetched.value["items"];
  fetched.value = items.empty() ? Json() : Json(items.front());
  return fetched;
}

}  // namespace mete::agent::cli
