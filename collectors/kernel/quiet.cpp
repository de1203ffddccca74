// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/quiet.h"

#include <algorithm>
#include <array>

#include "collectors/kernel/parse.h"

namespace mete::collectors {

Quiet QuietWatch::see(const Sample& sample, std::uint64_t reclaims) {
  constexpr unsigned kPasses = 2;
  const MemorySample& memory = sample.memory;
  if (!sample.cpu.usage || !memory.usage || !sample.pids.current) {
    last_.reset();
    still_ = 0;
    return Quiet::kNo;
  }
  const Numbers now{*sample.cpu.usage, *memory.usage, *sample.pids.current, reclaims};
  still_ = last_ == now ? std::min(still_ + 1, kPasses) : 0;
  last_ = now;
  const bool writing = memory.dirty.value_or(Bytes(0)) > Bytes(0) || memory.writeback.value_or(Bytes(0)) > Bytes(0);
  if (still_ < kPasses || writing) return Quiet::kNo;
  return now.tasks == 0 ? Quiet::kEmpty : Quiet::kWaiting;
}

WaitingNumbers waiting_numbers(const Sample& sample) {
  constexpr std::chrono::nanoseconds kNone{};
  WaitingNumbers numbers;
  const auto stalls = [kNone](const PressureSample& pressure) {
    return pressure.some.value_or(kNone) + pressure.full.value_or(kNone);
  };
  numbers.pressure = {stalls(sample.cpu_pressure), stalls(sample.memory_pressure), stalls(sample.io_pressure),
                      stalls(sample.irq_pressure)};
  numbers.throttled = sample.cpu.throttled.value_or(kNone) + sample.cpu.throttled_local.value_or(kNone);
  for (const auto& device : sample.devices) numbers.operations += device.reads.value_or(0) + device.writes.value_or(0);
  return numbers;
}

std::uint64_t parse_reclaims(std::string_view vmstat) {
  // These keys also count reclaim on behalf of a cgroup (pgscan_kswapd and pgscan_direct do not).
  constexpr auto kKeys = std::to_array<std::string_view>(
      {"pgscan_anon", "pgscan_file", "pgdeactivate", "pglazyfreed", "thp_collapse_alloc"});
  std::uint64_t sum = 0;
  (void)for_each_key(vmstat, [&](std::string_view key, std::uint64_t number) {
    if (std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end()) sum += number;
  });
  return sum;
}

}  // namespace mete::collectors
