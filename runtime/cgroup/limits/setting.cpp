// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/setting.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {
namespace {

constexpr std::pair<std::string_view, Setting> kSettings[] = {
    {"cpu.shares", Setting::kCpuWeight},
    {"cpu.weight", Setting::kCpuWeight},
    {"cpu.cfs_quota_us", Setting::kCpuQuota},
    {"cpu.max", Setting::kCpuQuota},
    {"cpu.cfs_period_us", Setting::kCpuPeriod},
    {"cpu.cfs_burst_us", Setting::kCpuBurst},
    {"cpu.max.burst", Setting::kCpuBurst},
    {"cpu.idle", Setting::kCpuIdle},
    {"cpuset.cpus", Setting::kCpus},
    {"memory.limit_in_bytes", Setting::kMemory},
    {"memory.max", Setting::kMemory},
    {"memory.memsw.limit_in_bytes", Setting::kSwap},
    {"memory.swap.max", Setting::kSwap},
    {"memory.soft_limit_in_bytes", Setting::kProtection},
    {"memory.min", Setting::kProtection},
    {"memory.low", Setting::kProtection},
    {"memory.oom_control", Setting::kOom},
    {"memory.oom.group", Setting::kOom},
    {"memory.high", Setting::kOom},
    {"pids.max", Setting::kPids},
    {"net_cls.classid", Setting::kNetClass},
};

// Numbers that the kernel shows beside "ctrl=auto" are its own choice; written, they would become the user's.
std::string io_cost_text(std::string_view line) {
  const std::string_view automatic = "ctrl=auto";
  const auto at = line.find(automatic);
  return std::string(at == std::string_view::npos ? line : line.substr(0, at + automatic.size()));
}

std::string restoring_line(const std::string& file, const std::string& disk, std::string_view shown) {
  while (!shown.empty()) {
    const std::string_view line = next_line(shown);
    if (line.starts_with(disk + " ")) return file.starts_with("io.cost.") ? io_cost_text(line) : std::string(line);
  }
  constexpr std::pair<const char*, const char*> kNone[] = {{"io.max", " rbps=max wbps=max riops=max wiops=max"},
                                                           {"io.latency", " target=0"},
                                                           {"io.weight", " default"},
                                                           {"io.bfq.weight", " default"},
                                                           {"blkio.bfq.weight_device", " default"},
                                                           {"rdma.max", " hca_handle=max hca_object=max"},
                                                           {"io.cost.qos", " enable=0"},
                                                           {"io.cost.model", " ctrl=auto"}};
  const auto* const none =
      std::find_if(std::begin(kNone), std::end(kNone), [&](const auto& each) { return file == each.first; });
  return disk + (none == std::end(kNone) ? " 0" : none->second);
}

}  // namespace

Setting setting_of(std::string_view file) {
  for (const auto& [name, setting] : kSettings) {
    if (file == name) return setting;
  }
  if (file.starts_with("blkio.") || file.starts_with("io.")) return Setting::kIo;
  if (file.starts_with("hugetlb.")) return Setting::kHugePages;
  return Setting::kOther;
}

std::string restoring_text(const std::string& file, const std::string& disk, std::string_view shown) {
  if (!disk.empty()) return restoring_line(file, disk, shown);
  if (file == "memory.oom_control") return std::to_string(value_of(shown, "oom_kill_disable").value_or(0));
  // A write of nothing at all is no write; an empty line is the empty list (cpuset.cpus of cgroup2).
  const std::string_view text = trim(shown);
  return text.empty() ? "\n" : std::string(text);
}

}  // namespace mete::runtime::cgroup
