// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/cpu.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr const char* kStat = "cpu.stat";
constexpr const char* kQuotaV1 = "cpu.cfs_quota_us";
constexpr const char* kPeriodV1 = "cpu.cfs_period_us";
constexpr const char* kMaxV2 = "cpu.max";
constexpr const char* kWeightKept = "user.mete.cpu_shares";  // an attribute of the directory

// "-1" and "max" are no numbers: there is no quota.
std::optional<microseconds> microseconds_in(std::string_view word) {
  const auto number = parse_u64(trim(word));
  return number ? std::optional(microseconds(*number)) : std::nullopt;
}

std::optional<std::uint64_t> shares_now(const Group& group) {
  const bool v1 = group.hierarchies().on_v1("cpu");
  const auto text = group.read("cpu", v1 ? "cpu.shares" : "cpu.weight");
  const auto number = text ? parse_u64(trim(*text)) : std::nullopt;
  return number && !v1 ? cpu_shares_of_weight(*number) : number;
}

}  // namespace

std::optional<nanoseconds> cpu_usage(const Group& group) {
  if (group.hierarchies().on_v1("cpuacct")) {
    const auto text = group.read("cpuacct", "cpuacct.usage");
    const auto usage = text ? parse_u64(trim(*text)) : std::nullopt;
    return usage ? std::optional(nanoseconds(*usage)) : std::nullopt;
  }
  const auto text = group.read("cpu", kStat);
  const auto usage = text ? value_of(*text, "usage_usec") : std::nullopt;
  return usage ? std::optional<nanoseconds>(microseconds(*usage)) : std::nullopt;
}

std::optional<CpuCounters> cpu_counters(const Group& group) {
  const auto stat = group.read("cpu", kStat);
  if (!stat) return std::nullopt;
  CpuCounters counters;
  counters.periods = value_of(*stat, "nr_periods").value_or(0);
  counters.throttled = value_of(*stat, "nr_throttled").value_or(0);
  if (!group.hierarchies().on_v1("cpu")) {
    counters.usage = microseconds(value_of(*stat, "usage_usec").value_or(0));
    return counters;
  }
  const auto usage = group.read("cpuacct", "cpuacct.usage");
  if (!usage) return std::nullopt;
  counters.usage = nanoseconds(parse_u64(trim(*usage)).value_or(0));
  return counters;
}

Result<UniqueFd> open_cpu_stat(const Group& group) {
  return open_at(AT_FDCWD, group.directory("cpu") + "/" + kStat, O_RDONLY);
}

std::optional<microseconds> cpu_quota(const Group& group) {
  const auto text = group.read("cpu", group.hierarchies().on_v1("cpu") ? kQuotaV1 : kMaxV2);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  return microseconds_in(next_word(rest));
}

std::optional<CpuBandwidth> cpu_bandwidth(const Group& group) {
  std::optional<microseconds> quota;
  std::optional<microseconds> period;
  if (group.hierarchies().on_v1("cpu")) {
    quota = cpu_quota(group);
    period = microseconds_in(group.read("cpu", kPeriodV1).value_or(""));
  } else {
    const std::string text = group.read("cpu", kMaxV2).value_or("");
    std::string_view rest = text;
    quota = microseconds_in(next_word(rest));
    period = microseconds_in(next_word(rest));
  }
  if (!quota || !period) return std::nullopt;
  return CpuBandwidth{*quota, *period};
}

void lift_cpu_quota(const Group& group) {
  // Somebody else makes the groups below: looking at all of them could take longer than a period.
  constexpr std::size_t kMost = 64;
  const bool v1 = group.hierarchies().on_v1("cpu");
  std::vector<Group> all = {group};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (cpu_quota(all[i])) (void)all[i].write("cpu", v1 ? kQuotaV1 : kMaxV2, v1 ? "-1" : "max");
    const auto below = internal::children(all[i].directory("cpu"));
    for (const auto& name : below.value_or(std::vector<std::string>())) {
      if (all.size() > kMost) break;
      if (auto child = all[i].child(name)) all.push_back(std::move(*child));
    }
  }
}

bool is_cpu_bandwidth(std::string_view file) {
  return file == kQuotaV1 || file == kPeriodV1 || file == kMaxV2;
}

bool is_cpu_idle(const Group& group) {
  const auto text = group.read("cpu", "cpu.idle");
  return text && trim(*text) == "1";
}

void keep_weight_over_idle(const Group& group, Limits& limits) {
  if (!limits.cpu_idle) return;
  const std::string directory = group.directory("cpu");
  if (*limits.cpu_idle) {
    if (is_cpu_idle(group) && !limits.cpu_shares) return;
    const auto shares = limits.cpu_shares ? limits.cpu_shares : shares_now(group);
    const std::string text = shares ? std::to_string(*shares) : std::string();
    if (shares) (void)::setxattr(directory.c_str(), kWeightKept, text.data(), text.size(), 0);
    return;
  }
  char text[32];
  const ssize_t length = ::getxattr(directory.c_str(), kWeightKept, text, sizeof text);
  if (length <= 0) return;
  if (!limits.cpu_shares) limits.cpu_shares = parse_u64({text, static_cast<std::size_t>(length)});
  (void)::removexattr(directory.c_str(), kWeightKept);
}

Result<std::string> assigned_cpus(const Group& group) {
  return group.read("cpuset", std::string(kCpusetCpus));
}

// On v1 a group below it is given none that this one was not given; on v2 those in force count, whatever was set.
Result<std::string> cpus_to_assign(const Group& group) {
  return group.hierarchies().on_v1("cpuset") ? assigned_cpus(group) : effective_cpus(group);
}

Result<std::string> effective_cpus(const Group& group) {
  return group.read("cpuset", group.hierarchies().on_v1("cpuset") ? "cpuset.effective_cpus" : "cpuset.cpus.effective");
}

void let_groups_inherit_cpus(const Group& group) {
  if (group.hierarchies().on_v1("cpuset")) (void)group.write("cpuset", "cgroup.clone_children", "1");
}

}  // namespace mete::runtime::cgroup
