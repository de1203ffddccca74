// SPDX-License-Identifier: Apache-2.0
// The names that Kubernetes allows. Checked before paths, cgroups or host names are made from them.
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::config {

// RFC 1123 label: at most 63 of [a-z0-9-], alphanumeric at both ends. Containers, volumes, namespaces, ports.
[[nodiscard]] Status check_dns_label(std::string_view name);

// IANA_SVC_NAME, the name of a port of a container: at most 15 of [a-z0-9-] with a letter, no '-' at an end or beside
// another.
[[nodiscard]] Status check_port_name(std::string_view name);

// RFC 1123 subdomain: at most 253, parts joined by '.', each as long as it likes (IsDNS1123Subdomain). Pods,
// ConfigMaps, Secrets, Policies.
[[nodiscard]] Status check_dns_subdomain(std::string_view name);

// Keys and values of labels: at most 63 of [A-Za-z0-9_.-], alphanumeric at both ends; a value may be empty, a key may
// have a subdomain and '/' before it. Annotation keys follow the same rule.
[[nodiscard]] Status check_label_key(std::string_view key);
[[nodiscard]] Status check_label_value(std::string_view value);

// Keys of ConfigMaps and Secrets, which become file names: at most 253 of [A-Za-z0-9_.-]; not "." and without ".." at
// the start.
[[nodiscard]] Status check_data_key(std::string_view key);

// Name of an environment variable: printable ASCII without '='.
[[nodiscard]] Status check_env_name(std::string_view name);

// Paths in manifests. A path cannot leave its root: no part is "..". No part and no path exceeds the kernel's limits.
[[nodiscard]] Status check_absolute_path(std::string_view path);
[[nodiscard]] Status check_relative_path(std::string_view path);  // not empty
// A path in a container, also one that is relative to its root: where a volume is mounted (not the root itself, and
// without ':', as in Kubernetes), and a working directory.
[[nodiscard]] Status check_mount_path(std::string_view path);
[[nodiscard]] Status check_working_dir(std::string_view path);

// The same path, absolute, without doubled and trailing '/' and without "." parts: "/d/./x//" -> "/d/x", "d" -> "/d".
[[nodiscard]] std::string normal_path(std::string_view path);

}  // namespace mete::config
