// SPDX-License-Identifier: Apache-2.0
// Kinds of namespaces by their names in config.json (config-linux.md, "Namespaces").
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::oci {

inline constexpr std::array<std::pair<std::string_view, process::NamespaceKind>, 8> kNamespaceNames = {
    {{"mount", process::NamespaceKind::mount},
     {"pid", process::NamespaceKind::pid},
     {"network", process::NamespaceKind::network},
     {"ipc", process::NamespaceKind::ipc},
     {"uts", process::NamespaceKind::uts},
     {"cgroup", process::NamespaceKind::cgroup},
     {"user", process::NamespaceKind::user},
     {"time", process::NamespaceKind::time}}};

}  // namespace mete::runtime::oci
