// SPDX-License-Identifier: Apache-2.0
// Keys that stand twice in one mapping. Internal to config/.
#pragma once

#include <string>
#include <vector>

#include "config/reading/yaml/yaml_tree.h"

namespace mete::config {

struct DoubleKey {
  std::string path;  // "spec.containers[0].image"
  int line = 0;      // of the last one, which counts
  int column = 0;
  int earlier_line = 0;  // of the one before
  int earlier_column = 0;
};

// Leaves the last of equal keys in each mapping: what kubectl sends of such a manifest, as its YAML becomes JSON by way
// of a map (sigs.k8s.io/yaml).
[[nodiscard]] std::vector<DoubleKey> keep_last_of_doubles(YamlNode& node);

}  // namespace mete::config
