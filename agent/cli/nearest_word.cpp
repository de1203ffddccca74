// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/nearest_word.h"

#include <algorithm>

namespace mete::agent::cli {

std::size_t distance_of(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t same = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + same});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

std::string nearest_word(std::string_view found, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 64;  // what is longer is no word that somebody has mistyped
  if (found.size() > kLongest) return {};
  std::string nearest;
  std::size_t least = kLongest;
  for (const std::string& each : known) {
    const std::size_t distance = distance_of(found, each);
    if (distance < least && 3 * distance <= std::max(each.size(), found.size()) + 1) {
      least = distance;
      nearest = each;
    }
  }
  return nearest;
}

}  // namespace mete::agent::cli
