// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limit_writes.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <limits>

#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {
namespace {

using std::chrono::microseconds;

constexpr std::int64_t kMinCpuTime = 1'000;        // us; the kernel refuses a shorter quota or period
constexpr std::int64_t kMaxCpuPeriod = 1'000'000;  // us

template <class Number>
std::string text_of(const Limit<Number>& limit, std::string_view unlimited) {
  if (limit.is_unlimited()) return std::string(unlimited);
  if constexpr (std::is_same_v<Number, std::uint64_t>) {
    return std::to_string(limit.value());
  } else {
    return std::to_string(limit.value().count());
  }
}

// Collects the writes of one plan. Knows for each controller in which version's words to speak.
class Plan {
 public:
  explicit Plan(const Hierarchies& hierarchies) : hierarchies_(hierarchies) {}

  // Fails, naming `asked`, when no hierarchy has the controller.
  [[nodiscard]] Status need(std::string_view controller, std::string_view asked) const {
    if (!hierarchies_.mount_of(controller).empty()) return {};
    return fail(std::string(asked) + ": this machine has no cgroup controller \"" + std::string(controller) +
                "\" (mode " + std::string(to_string(hierarchies_.mode)) + ")");
  }
  [[nodiscard]] Status need_v2(std::string_view controller, std::string_view asked) const {
    METE_CHECK(need(controller, asked));
    if (!on_v1(controller)) return {};
    return fail(std::string(asked) + ": this machine has the controller \"" + std::string(controller) +
                "\" on cgroup v1, expected it on cgroup v2");
  }
  [[nodiscard]] bool on_v1(std::string_view controller) const { return hierarchies_.on_v1(controller); }
  void write(std::string_view controller, std::string file, std::string text) {
    writes_.push_back({std::string(controller), std::move(file), std::move(text)});
  }
  [[nodiscard]] std::vector<ControlWrite> take() { return std::move(writes_); }

 private:
  const Hierarchies& hierarchies_;
  std::vector<ControlWrite> writes_;
};

Status check_cpu(const Limits& limits) {
  if (limits.cpu_shares && (*limits.cpu_shares < 2 || *limits.cpu_shares > 262'144)) {
    return fail("cpu shares: found " + std::to_string(*limits.cpu_shares) + ", expected 2 to 262144");
  }
  if (limits.cpu_bandwidth) {
    const auto period = limits.cpu_bandwidth->period.count();
    if (period < kMinCpuTime || period > kMaxCpuPeriod) {
      return fail("cpu period: found " + std::to_string(period) + " us, expected 1000 to 1000000");
    }
    const auto& quota = limits.cpu_bandwidth->quota;
    if (!quota.is_unlimited() && quota.value().count() < kMinCpuTime) {
      return fail("cpu quota: found " + std::to_string(quota.value().count()) + " us, expected at least 1000");
    }
    if (limits.cpu_burst && !quota.is_unlimited() && *limits.cpu_burst > quota.value()) {
      return fail("cpu burst: found " + std::to_string(limits.cpu_burst->count()) +
                  " us, expected at most the quota, " + std::to_string(quota.value().count()));
    }
  }
  if (limits.cpu_burst && limits.cpu_burst->count() < 0)
    return fail("cpu burst: found less than 0, expected 0 or more");
  return {};
}

void plan_bandwidth_v1(Plan& plan, const CpuBandwidth& bandwidth, const Present& present) {
  const auto quota = [&] { plan.write("cpu", "cpu.cfs_quota_us", text_of(bandwidth.quota, "-1")); };
  const auto period = [&] { plan.write("cpu", "cpu.cfs_period_us", std::to_string(bandwidth.period.count())); };
  // Between the two writes the group must not hold more than before or after: the parent's quota could refuse it.
  if (bandwidth.period >= present.cpu_period.value_or(microseconds(100'000))) {
    period();
    quota();
  } else {
    quota();
    period();
  }
}

Status plan_cpu(Plan& plan, const Limits& limits, const Present& present) {
  METE_CHECK(check_cpu(limits));
  if (limits.cpu_shares) METE_CHECK(plan.need("cpu", "cpu shares"));
  if (limits.cpu_bandwidth) METE_CHECK(plan.need("cpu", "cpu quota"));
  if (limits.cpu_burst) METE_CHECK(plan.need("cpu", "cpu burst"));
  if (limits.cpu_idle) METE_CHECK(plan.need("cpu", "cpu idle"));
  const bool v1 = plan.on_v1("cpu");
  // An idle group refuses shares, so it is woken before and put to sleep after they are written.
  if (limits.cpu_idle && !*limits.cpu_idle) plan.write("cpu", "cpu.idle", "0");
  if (limits.cpu_shares) {
    const std::uint64_t shares = *limits.cpu_shares;
    plan.write("cpu", v1 ? "cpu.shares" : "cpu.weight", std::to_string(v1 ? shares : cpu_weight_of_shares(shares)));
  }
  if (limits.cpu_idle && *limits.cpu_idle) plan.write("cpu", "cpu.idle", "1");
  const std::string burst_file = v1 ? "cpu.cfs_burst_us" : "cpu.max.burst";
  if (limits.cpu_bandwidth) {
    // A quota below the present burst is refused.
    const bool in_the_way = present.cpu_burst && !limits.cpu_bandwidth->quota.is_unlimited() &&
                            *present.cpu_burst > limits.cpu_bandwidth->quota.value();
    if (in_the_way) plan.write("cpu", burst_file, "0");
    if (v1) {
      plan_bandwidth_v1(plan, *limits.cpu_bandwidth, present);
    } else {
      plan.write(
          "cpu", "cpu.max",
          text_of(limits.cpu_bandwidth->quota, "max") + " " + std::to_string(limits.cpu_bandwidth->period.count()));
    }
  }
  if (limits.cpu_burst) plan.write("cpu", burst_file, std::to_string(limits.cpu_burst->count()));
  return {};
}

Status plan_cpuset(Plan& plan, const Limits& limits) {
  if (!limits.cpuset_cpus.empty()) {
    METE_CHECK(plan.need("cpuset", "cpuset cpus"));
    plan.write("cpuset", "cpuset.cpus", limits.cpuset_cpus);
  }
  if (!limits.cpuset_mems.empty()) {
    METE_CHECK(plan.need("cpuset", "cpuset mems"));
    plan.write("cpuset", "cpuset.mems", limits.cpuset_mems);
  }
  return {};
}

Status check_size(const std::optional<Limit<Bytes>>& size, std::string_view asked) {
  if (!size || size->is_unlimited() || size->value() >= Bytes(0)) return {};
  return fail(std::string(asked) + ": found " + std::to_string(size->value().count()) + " bytes, expected 0 or more");
}

Limit<Bytes> sum(const Limit<Bytes>& a, const Limit<Bytes>& b) {
  if (a.is_unlimited() || b.is_unlimited()) return {};
  if (a.value().count() > std::numeric_limits<std::int64_t>::max() - b.value().count()) return {};
  return a.value() + b.value();
}

// Memory and swap together, as v1 wants it; nothing when it need not change.
Result<std::optional<Limit<Bytes>>> memsw_of(const Limits& limits, const Present& present) {
  const auto memory = limits.memory ? limits.memory : present.memory;
  if (limits.swap) {
    if (limits.swap->is_unlimited()) return Limit<Bytes>();
    if (!memory) return fail("swap: found no memory limit to add it to, expected one (cgroup v1 bounds both together)");
    return sum(*memory, *limits.swap);
  }
  // Swap is to be left alone: then the sum moves with the memory limit.
  if (!limits.memory || !present.memory || !present.memory_and_swap) return std::optional<Limit<Bytes>>();
  if (present.memory_and_swap->is_unlimited()) return std::optional<Limit<Bytes>>();
  return sum(*limits.memory, swap_alone(*present.memory_and_swap, *present.memory));
}

Status plan_memory_v1(Plan& plan, const Limits& limits, const Present& present) {
  if (limits.memory_high) METE_CHECK(plan.need_v2("memory", "memory high"));
  if (limits.memory_min) METE_CHECK(plan.need_v2("memory", "memory min"));
  if (limits.oom_group.value_or(false)) METE_CHECK(plan.need_v2("memory", "memory oom group"));
  METE_TRY(const auto memsw, memsw_of(limits, present));
  const auto write_memory = [&] {
    if (limits.memory) plan.write("memory", "memory.limit_in_bytes", text_of(*limits.memory, "-1"));
  };
  // memory <= memory + swap holds at every moment, else the kernel refuses.
  const auto before = present.memory_and_swap.value_or(Limit<Bytes>());
  const bool raised = memsw && !before.is_unlimited() && (memsw->is_unlimited() || memsw->value() >= before.value());
  if (!raised) write_memory();
  if (memsw) plan.write("memory", "memory.memsw.limit_in_bytes", text_of(*memsw, "-1"));
  if (raised) write_memory();
  if (limits.memory_soft) plan.write("memory", "memory.soft_limit_in_bytes", text_of(*limits.memory_soft, "-1"));
  if (limits.oom_kill_disable) plan.write("memory", "memory.oom_control", *limits.oom_kill_disable ? "1" : "0");
  return {};
}

Status plan_memory(Plan& plan, const Limits& limits, const Present& present) {
  METE_CHECK(check_size(limits.memory, "memory limit"));
  METE_CHECK(check_size(limits.swap, "swap limit"));
  METE_CHECK(check_size(limits.memory_soft, "memory soft limit"));
  METE_CHECK(check_size(limits.memory_high, "memory high"));
  METE_CHECK(check_size(limits.memory_min, "memory min"));
  if (limits.memory) METE_CHECK(plan.need("memory", "memory limit"));
  if (limits.swap) METE_CHECK(plan.need("memory", "swap limit"));
  if (limits.memory_soft) METE_CHECK(plan.need("memory", "memory soft limit"));
  if (limits.memory_high) METE_CHECK(plan.need("memory", "memory high"));
  if (limits.memory_min) METE_CHECK(plan.need("memory", "memory min"));
  if (limits.oom_group) METE_CHECK(plan.need("memory", "memory oom group"));
  if (plan.on_v1("memory")) return plan_memory_v1(plan, limits, present);
  if (limits.oom_kill_disable.value_or(false)) {
    return fail("oom kill disable: this machine has the controller \"memory\" on cgroup v2, expected it on cgroup v1");
  }
  // Protections first, the hard limit last: what reclaims, does so before what kills.
  if (limits.memory_min) plan.write("memory", "memory.min", text_of(*limits.memory_min, "max"));
  if (limits.memory_soft) plan.write("memory", "memory.low", text_of(*limits.memory_soft, "max"));
  if (limits.oom_group) plan.write("memory", "memory.oom.group", *limits.oom_group ? "1" : "0");
  if (limits.memory_high) plan.write("memory", "memory.high", text_of(*limits.memory_high, "max"));
  if (limits.swap) plan.write("memory", "memory.swap.max", text_of(*limits.swap, "max"));
  if (limits.memory) plan.write("memory", "memory.max", text_of(*limits.memory, "max"));
  return {};
}

// The kernel keeps 32 bits: the largest of them means no limit (v2), and v1 cuts off what is above.
Status check_iops(const std::string& disk, const IoLimit& limit) {
  constexpr std::uint64_t kMost = 4'294'967'294;
  for (const auto& [most, what] : {std::pair(limit.read_iops, "reads"), std::pair(limit.write_iops, "writes")}) {
    if (most && *most > kMost)
      return fail("io limit of " + disk + ": found " + std::to_string(*most) + " " + what +
                  " a second, expected at most " + std::to_string(kMost) + " (the kernel takes more for no limit)");
  }
  return {};
}

Status plan_io(Plan& plan, const Limits& limits) {
  if (limits.io.empty() && !limits.io_weight) return {};
  const bool v1 = plan.on_v1("blkio");
  METE_CHECK(plan.need(v1 ? "blkio" : "io", "io limits"));
  if (limits.io_weight) {
    if (*limits.io_weight < 1 || *limits.io_weight > 10'000)
      return fail("io weight: found " + std::to_string(*limits.io_weight) + ", expected 1 to 10000");
    if (v1) {
      plan.write("blkio", "blkio.bfq.weight", std::to_string(std::min<std::uint64_t>(*limits.io_weight, 1000)));
    } else {
      plan.write("io", "io.weight", "default " + std::to_string(*limits.io_weight));
    }
  }
  for (const auto& [disk, limit] : limits.io) {
    METE_CHECK(check_iops(disk, limit));
    if (limit.latency) {
      METE_CHECK(plan.need_v2(v1 ? "blkio" : "io", "io latency"));
      plan.write("io", "io.latency", disk + " target=" + std::to_string(limit.latency->count()));
    }
    if (v1) {
      const auto write = [&plan, &disk = disk](const char* file, const std::optional<std::uint64_t>& most) {
        plan.write("blkio", std::string("blkio.throttle.") + file, disk + " " + std::to_string(most.value_or(0)));
      };
      write("read_bps_device", limit.read_bps);
      write("write_bps_device", limit.write_bps);
      write("read_iops_device", limit.read_iops);
      write("write_iops_device", limit.write_iops);
    } else {
      const auto text = [](const std::optional<std::uint64_t>& most) {
        return most ? std::to_string(*most) : std::string("max");
      };
      plan.write("io", "io.max",
                 disk + " rbps=" + text(limit.read_bps) + " wbps=" + text(limit.write_bps) +
                     " riops=" + text(limit.read_iops) + " wiops=" + text(limit.write_iops));
    }
  }
  return {};
}

// A file with a line for each disk that has a limit: is this one as it should be?
bool same_disk_setting(std::string_view expected, std::string_view found) {
  const bool none = expected.ends_with(" 0") || expected.ends_with(" rbps=max wbps=max riops=max wiops=max") ||
                    expected.ends_with(" target=0");
  const std::string_view disk = expected.substr(0, expected.find(' ') + 1);
  while (!found.empty()) {
    const std::string_view line = next_part(found, '\n');
    if (line.starts_with(disk)) return line == expected;
  }
  return none;
}

Status plan_others(Plan& plan, const Limits& limits) {
  if (limits.pids) {
    METE_CHECK(plan.need("pids", "pids max"));
    plan.write("pids", "pids.max", text_of(*limits.pids, "max"));
  }
  if (limits.net_class) {
    METE_CHECK(plan.need("net_cls", "net class"));
    plan.write("net_cls", "net_cls.classid", std::to_string(*limits.net_class));
  }
  for (const auto& [size, limit] : limits.hugetlb) {
    METE_CHECK(plan.need("hugetlb", "hugepages " + size));
    METE_CHECK(check_size(limit, "hugepages " + size));
    const bool v1 = plan.on_v1("hugetlb");
    plan.write("hugetlb", "hugetlb." + size + (v1 ? ".limit_in_bytes" : ".max"), text_of(limit, v1 ? "-1" : "max"));
  }
  return {};
}

// "2MB" -> 2 MiB, as hugetlb's file names have it.
Bytes huge_page_size(std::string_view name) {
  const std::size_t digits = name.find_first_not_of("0123456789");
  const auto number = static_cast<std::int64_t>(parse_u64(name.substr(0, digits)).value_or(0));
  const std::string_view unit = digits == std::string_view::npos ? "" : name.substr(digits);
  const int shift = unit == "KB" ? 10 : unit == "MB" ? 20 : unit == "GB" ? 30 : 0;
  return Bytes(number << shift);
}

// Size files hold whole pages; v1 shows "no limit" as a number.
std::string as_read(const ControlWrite& write, Bytes page) {
  const bool size =
      write.controller == "memory" && write.file != "memory.oom.group" && write.file != "memory.oom_control";
  const bool huge = write.controller == "hugetlb";
  if (!size && !huge) return write.text;
  if (write.text == "max") return write.text;
  Bytes unit = page;
  if (huge) unit = huge_page_size(std::string_view(write.file).substr(8, write.file.find('.', 8) - 8));
  const auto step = static_cast<std::uint64_t>(std::max<std::int64_t>(unit.count(), 1));
  const std::uint64_t most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / step * step;
  if (write.text == "-1") return std::to_string(most);
  return std::to_string(std::min(parse_u64(write.text).value_or(0) / step * step, most));
}

constexpr std::size_t kMaxCpus = 8192;

// "0-2,5" -> bits; nothing when it is not such a list.
std::optional<std::bitset<kMaxCpus>> list_bits(std::string_view text) {
  std::bitset<kMaxCpus> bits;
  for (std::string_view rest = trim(text); !rest.empty();) {
    std::string_view part = next_part(rest, ',');
    const auto first = parse_u64(next_part(part, '-'));
    const auto last = part.empty() ? first : parse_u64(part);
    if (!first || !last || *last >= kMaxCpus) return std::nullopt;
    for (std::uint64_t bit = *first; bit <= *last; ++bit) bits.set(bit);
  }
  return bits;
}

}  // namespace

Result<std::vector<ControlWrite>> plan_writes(const Limits& limits, const Hierarchies& hierarchies,
                                              const Present& present) {
  Plan plan(hierarchies);
  METE_CHECK(plan_cpuset(plan, limits));
  METE_CHECK(plan_cpu(plan, limits, present));
  METE_CHECK(plan_memory(plan, limits, present));
  METE_CHECK(plan_io(plan, limits));
  METE_CHECK(plan_others(plan, limits));
  return plan.take();
}

Result<std::vector<ControlWrite>> plan_reads(const Limits& limits, const Hierarchies& hierarchies, Bytes page) {
  Limits shown = limits;
  // What cannot be known from the limits alone is not looked at: shares of an idle group, swap without memory on v1.
  if (shown.cpu_idle.value_or(false)) shown.cpu_shares.reset();
  const bool no_sum = !shown.memory && shown.swap && !shown.swap->is_unlimited();
  if (no_sum && hierarchies.on_v1("memory")) shown.swap.reset();
  METE_TRY(std::vector<ControlWrite> writes, plan_writes(shown, hierarchies));
  for (ControlWrite& write : writes) write.text = as_read(write, page);
  return writes;
}

bool has_a_line_for_each_disk(std::string_view file) {
  return file == "io.max" || file == "io.latency" || file.starts_with("io.cost.") ||
         file.starts_with("blkio.throttle.");
}

bool same_setting(const std::string& file, std::string_view expected, std::string_view found) {
  expected = trim(expected);
  found = trim(found);
  if (expected == found) return true;
  if (file == "cpuset.cpus" || file == "cpuset.mems") {
    const auto a = list_bits(expected);
    const auto b = list_bits(found);
    return a && b && *a == *b;
  }
  if (has_a_line_for_each_disk(file)) return same_disk_setting(expected, found);
  if (file == "memory.oom_control") {
    // Reading shows it among others: "oom_kill_disable 1\nunder_oom 0\noom_kill 0".
    const auto disabled = value_of(found, "oom_kill_disable");
    return disabled && std::to_string(*disabled) == expected;
  }
  // v2 shows the largest number of pages as "max", and io.weight has a line for each disk below the default's.
  if (found == "max") return is_v1_unlimited(parse_u64(expected).value_or(0));
  if (file == "io.weight") return expected == next_line(found);
  if (file.ends_with("limit_in_bytes")) {
    const auto a = parse_u64(expected);
    const auto b = parse_u64(found);
    return a && b && is_v1_unlimited(*a) && is_v1_unlimited(*b);
  }
  return false;
}

}  // namespace mete::runtime::cgroup
