// SPDX-License-Identifier: Apache-2.0
// The names of a pod in its network, and those that it alone has for others. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/model/pod_spec.h"

namespace mete::agent {

// The annotation of a docker client's container: its name, which stands in place of the pod's.
inline constexpr const char* kDockerName = "docker.mete/name";

// NAMESPACE/POD, then what a question for a name may say, in lower case: the pod's own names and those of its
// annotation mete/aliases.
[[nodiscard]] std::vector<std::string> names_of(const config::Pod& pod);

// The annotation mete/links, "db=shop/store, cache=shop/redis", which docker's --link becomes: name -> NAMESPACE/POD.
[[nodiscard]] Result<std::map<std::string, std::string>> links_of(const config::Pod& pod);

}  // namespace mete::agent
