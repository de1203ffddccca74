// SPDX-License-Identifier: Apache-2.0
// The env file of `fileKeyRef` (KEP-3721), and how its values come into a container's plan. Pure.
//
// A line is KEY=VALUE. Blanks around key and value do not count; empty lines and lines that begin with # say nothing. A
// value in single quotes is taken as it is, also over several lines. Of two lines with one key the first counts.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/model/pod_spec.h"
#include "config/resolve/desired_state.h"

namespace mete::config {

// Kubernetes' bounds.
inline constexpr std::size_t kLargestEnvFile = std::size_t{64} << 10U;
inline constexpr std::size_t kLongestFileKey = 128;
inline constexpr std::size_t kLongestFileValue = std::size_t{32} << 10U;

// The value of `key`; empty: the file has none. Errors name the line: text without `=`, a quote that is not closed, a
// key or value that is too long.
[[nodiscard]] Result<std::optional<std::string>> env_file_value(std::string_view text, std::string_view key);

// What stands for the value until the container starts (runtime_values.h).
[[nodiscard]] std::string file_value_mark(const FileKeyRef& ref);

// The value that a reference has now; empty: file or key is missing.
using FileValues = std::function<Result<std::optional<std::string>>(const FileKeyRef& ref)>;

// `plan` with the values in place of their marks. A variable without a value is left out where its reference is
// optional, and is an error in the kubelet's words where it is not.
[[nodiscard]] Result<ContainerPlan> with_file_values(ContainerPlan plan, const FileValues& values);

}  // namespace mete::config
