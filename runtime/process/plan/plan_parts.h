// SPDX-License-Identifier: Apache-2.0
// Shared by the files that make a plan. Internal to runtime/process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/process/plan/launch_spec.h"
#include "runtime/process/plan/setup_op.h"

namespace mete::runtime::process {

// Null: the container is in the caller's namespace of that kind.
[[nodiscard]] const NamespaceUse* find(const LaunchSpec& spec, NamespaceKind kind);
[[nodiscard]] bool joined_or_own(const LaunchSpec& spec, NamespaceKind kind);

// An error unless the path is absolute.
[[nodiscard]] Status check_inside_path(const std::string& path, std::string_view what);
// The path without slashes at its end.
[[nodiscard]] std::string_view trimmed(std::string_view path);

// plan_mounts.cpp. `late` gets what is to be done when everything else is made.
[[nodiscard]] Status add_mounts(const LaunchSpec& spec, const std::vector<MountSpec>& mounts, std::vector<SetupOp>& ops,
                                std::vector<SetupOp>& late);

}  // namespace mete::runtime::process
