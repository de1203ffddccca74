// SPDX-License-Identifier: Apache-2.0
// A manifest's tree as JSON text, which the same reader reads to the same objects. Internal to config/.
#pragma once

#include <string>

#include "config/reading/yaml/yaml_tree.h"

namespace mete::config {

// One line. Values have the types that kubectl sees; the numbers that JSON cannot write (0x1F, .5) are texts, unless
// they are whole. Mappings keep their order.
[[nodiscard]] std::string json_text(const YamlNode& node);

}  // namespace mete::config
