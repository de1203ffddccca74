// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/limits.h"

#include <algorithm>
#include <cmath>

namespace mete::runtime::cgroup {
namespace {
constexpr std::uint64_t kMinShares = 2;
constexpr std::uint64_t kMaxShares = 262'144;
constexpr std::uint64_t kMaxWeight = 10'000;
}  // namespace

std::vector<Limits> parts_of(const Limits& limits) {
  Limits cpu;
  cpu.cpu_shares = limits.cpu_shares;
  cpu.cpu_bandwidth = limits.cpu_bandwidth;
  cpu.cpu_burst = limits.cpu_burst;
  cpu.cpu_idle = limits.cpu_idle;
  cpu.rt_period = limits.rt_period;
  cpu.rt_runtime = limits.rt_runtime;
  Limits cpuset;
  cpuset.cpuset_cpus = limits.cpuset_cpus;
  cpuset.cpuset_mems = limits.cpuset_mems;
  Limits memory;
  memory.memory = limits.memory;
  memory.swap = limits.swap;
  memory.memory_soft = limits.memory_soft;
  memory.memory_high = limits.memory_high;
  memory.memory_min = limits.memory_min;
  memory.kernel_tcp = limits.kernel_tcp;
  memory.oom_group = limits.oom_group;
  memory.oom_kill_disable = limits.oom_kill_disable;
  Limits io;
  io.io = limits.io;
  io.io_weight = limits.io_weight;
  io.io_disk_weights = limits.io_disk_weights;
  Limits others;
  others.pids = limits.pids;
  others.net_class = limits.net_class;
  others.hugetlb = limits.hugetlb;
  std::vector<Limits> parts;
  for (auto* part : {&cpuset, &cpu, &memory, &io, &others}) {
    if (*part != Limits()) parts.push_back(std::move(*part));
  }
  return parts;
}

std::uint64_t cpu_weight_of_shares(std::uint64_t shares) {
  if (shares <= kMinShares) return 1;
  if (shares >= kMaxShares) return kMaxWeight;
  const double l = std::log2(static_cast<double>(shares));
  const double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
  return static_cast<std::uint64_t>(std::ceil(std::pow(10, exponent)));
}

std::uint64_t cpu_shares_of_weight(std::uint64_t weight) {
  // The conversion only rises, so the largest shares are found by halving; so 100 gives 1024 and not 1012.
  std::uint64_t low = kMinShares;
  std::uint64_t high = kMaxShares;
  while (low < high) {
    const std::uint64_t middle = low + (high - low + 1) / 2;
    if (cpu_weight_of_shares(middle) <= weight) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

}  // namespace mete::runtime::cgroup
