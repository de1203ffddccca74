// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/refusals.h"

#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {

RefusalCounter counter_of(Refusal kind) {
  switch (kind) {
    case Refusal::kFork:
      return {"pids", "pids.events", "max"};
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

}  // namespace mete::runtime::cgroup
