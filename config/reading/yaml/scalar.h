// SPDX-License-Identifier: Apache-2.0
// The types of YAML scalars as kubectl reads them (YAML 1.1 as in sigs.k8s.io/yaml), so that a file means the same to
// mete: `yes` is a bool, 0644 is octal, and a number is a text only when it is quoted. Internal to config/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/reading/yaml/yaml_tree.h"

namespace mete::config {

enum class ScalarType { kNull, kBool, kInteger, kFloat, kString };

[[nodiscard]] ScalarType scalar_type(const YamlNode& node);  // `node` is a scalar or null
[[nodiscard]] std::optional<bool> as_bool(const YamlNode& node);
[[nodiscard]] std::optional<std::int64_t> as_integer(const YamlNode& node);  // empty also for more than 64 bits

// "a list", "the number 5", "the text \"x\"", for messages. Long text is cut.
[[nodiscard]] std::string describe(const YamlNode& node);

}  // namespace mete::config
