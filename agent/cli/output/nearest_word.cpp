// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/output/nearest_word.h"

#include <algorithm>

#include "config/base/edit_distance.h"

namespace mete::agent::cli {

std::string nearest_word(std::string_view found, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 64;  // what is longer is no word that somebody has mistyped
  if (found.size() > kLongest) return {};
  std::string nearest;
  std::size_t least = kLongest;
  for (const std::string& each : known) {
    const std::size_t distance = config::edit_distance(found, each);
    if (distance < least && 3 * distance <= std::max(each.size(), found.size()) + 1) {
      least = distance;
      nearest = each;
    }
  }
  return nearest;
}

}  // namespace mete::agent::cli
