// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/doubles.h"

#include <algorithm>
#include <map>

#include "config/reading/yaml/view.h"

namespace mete::config {
namespace {

void keep_last(YamlNode& node, const std::string& path, std::vector<DoubleKey>& found) {
  std::map<std::string, std::size_t> last;
  std::vector<bool> goes(node.entries.size(), false);
  for (std::size_t i = 0; i < node.entries.size(); ++i) {
    const auto& entry = node.entries[i];
    const auto [at, added] = last.emplace(entry.key, i);
    if (added) continue;
    const auto& earlier = node.entries[at->second];
    found.push_back({join_path(path, entry.key), entry.line, entry.column, earlier.line, earlier.column});
    goes[at->second] = true;
    at->second = i;
  }
  if (last.size() != node.entries.size()) {
    std::vector<NodeEntry> kept;
    for (std::size_t i = 0; i < node.entries.size(); ++i) {
      if (!goes[i]) kept.push_back(std::move(node.entries[i]));
    }
    node.entries = std::move(kept);
  }
  for (auto& entry : node.entries) keep_last(entry.value, join_path(path, entry.key), found);
  for (std::size_t i = 0; i < node.items.size(); ++i)
    keep_last(node.items[i], path + "[" + std::to_string(i) + "]", found);
}

}  // namespace

std::vector<DoubleKey> keep_last_of_doubles(YamlNode& node) {
  std::vector<DoubleKey> found;
  keep_last(node, "", found);
  return found;
}

}  // namespace mete::config
