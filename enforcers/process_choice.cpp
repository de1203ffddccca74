// SPDX-License-Identifier: Apache-2.0
#include "enforcers/process_choice.h"

#include <cstdint>

namespace mete::enforcers {

std::optional<std::size_t> oom_victim(std::span<const collectors::ProcessMemory> processes, Bytes total) {
  constexpr int kNever = -1000;
  std::optional<std::size_t> worst;
  std::int64_t most = 0;
  for (std::size_t i = 0; i < processes.size(); ++i) {
    const auto& each = processes[i];
    if (each.oom_score_adj <= kNever) continue;
    const std::int64_t points =
        (each.rss + each.swap + each.page_tables).count() + each.oom_score_adj * (total.count() / 1000);
    if (worst && points <= most) continue;
    worst = i;
    most = points;
  }
  return worst;
}

bool worth_killing(const collectors::ProcessMemory& process, Bytes limit) {
  constexpr std::int64_t kShare = 50;
  return (process.anon + process.shmem + process.swap + process.page_tables).count() >= limit.count() / kShare;
}

}  // namespace mete::enforcers
