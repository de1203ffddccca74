// SPDX-License-Identifier: Apache-2.0
// The names Kubernetes allows, checked before anything is made from them (paths, cgroups, host names).
#pragma once

#include <string_view>

#include "config/result.h"

namespace mete::config {

// RFC 1123 label: at most 63 of [a-z0-9-], alphanumeric at both ends. Containers, volumes, namespaces, ports.
[[nodiscard]] Status check_dns_label(std::string_view name);

// RFC 1123 subdomain: at most 253, labels joined by '.'. Pods, ConfigMaps, Secrets, Policies.
[[nodiscard]] Status check_dns_subdomain(std::string_view name);

}  // namespace mete::config
