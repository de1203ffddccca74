// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/enforcement.h"

#include <algorithm>

#include "collectors/kernel/parse.h"
#include "config/model/objects.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

constexpr std::size_t kNeighbours = 10;

}  // namespace

enforcers::KillGuard& Enforcement::guard(const config::Policy& policy) {
  return guards_[config::full_name(policy.metadata)];
}

std::vector<Neighbour> Enforcement::neighbours_of(const Watched& watched) const {
  std::vector<Neighbour> others;
  others.reserve(watched_.size());
  for (const Watched* each : watched_) {
    if (each != &watched) others.push_back(each->as_neighbour());
  }
  const auto end = others.begin() + static_cast<std::ptrdiff_t>(std::min(others.size(), kNeighbours));
  std::partial_sort(others.begin(), end, others.end(), [](const auto& a, const auto& b) { return a.usage > b.usage; });
  others.erase(end, others.end());
  return others;
}

Bytes Enforcement::available_memory() const {
  const auto text = runtime::read_file(AT_FDCWD, "/proc/meminfo", 64U << 10U);
  if (!text) return Bytes(0);
  std::string_view rest = *text;
  while (!rest.empty()) {
    std::string_view line = collectors::next_line(rest);
    if (collectors::next_word(line) != "MemAvailable:") continue;
    return collectors::to_bytes(collectors::parse_u64(collectors::next_word(line)).value_or(0) * 1024) - reserved_;
  }
  return Bytes(0);
}

}  // namespace mete::agent
