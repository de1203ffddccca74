// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/refusals.h"

#include <algorithm>

#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {

RefusalCounter counter_of(Refusal kind) {
  switch (kind) {
    case Refusal::kFork:
      return {"pids", "pids.events", "max"};
    case Refusal::kForkLocal:
      return {"pids", "pids.events.local", "max"};
    case Refusal::kSwapLimit:
      return {"memory", "memory.swap.events", "max"};
    case Refusal::kSwapFull:
      return {"memory", "memory.swap.events", "fail"};
  }
  return {"", "", ""};
}

std::optional<std::uint64_t> refusals(const Group& group, Refusal kind) {
  const auto [controller, file, key] = counter_of(kind);
  const auto text = group.read(controller, file);
  return text ? value_of(*text, key) : std::nullopt;
}

std::optional<std::uint64_t> pids_limit(const Group& group) {
  const auto text = group.read("pids", "pids.max");
  return text ? parse_u64(trim(*text)) : std::nullopt;  // "max": none
}

std::vector<PidsLimit> pids_limits_of_path(const Group& group) {
  std::vector<PidsLimit> limits;
  for (std::string path = group.path(); path.size() > 1; path.erase(path.rfind('/'))) {
    const auto each = Group::at(group.hierarchies(), path);
    const auto limit = each ? pids_limit(*each) : std::nullopt;
    if (!limit) continue;
    const auto number = [&](const char* file) -> std::optional<std::uint64_t> {
      const auto text = each->read("pids", file);
      return text ? parse_u64(trim(*text)) : std::nullopt;
    };
    limits.push_back({path, *limit, number("pids.current").value_or(0), number("pids.peak")});
  }
  return limits;
}

const PidsLimit* refusing(const std::vector<PidsLimit>& path) {
  const auto at = std::find_if(path.begin(), path.end(), [](const auto& each) { return each.tasks >= each.limit; });
  if (at != path.end()) return &*at;
  const auto was =
      std::find_if(path.begin(), path.end(), [](const auto& each) { return each.most && *each.most >= each.limit; });
  if (was != path.end()) return &*was;
  return path.size() == 1 ? &path.front() : nullptr;
}

}  // namespace mete::runtime::cgroup
