// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/limit_writes.h"

#include <algorithm>
#include <limits>

#include "runtime/cgroup/limits/limit_plan.h"
#include "runtime/cgroup/limits/single_settings.h"

namespace mete::runtime::cgroup {
namespace {

using internal::Plan;
using internal::text_of;
using std::chrono::microseconds;

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
  if (limits.kernel_tcp) plan.write("memory", "memory.kmem.tcp.limit_in_bytes", text_of(*limits.kernel_tcp, "-1"));
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
  METE_CHECK(check_size(limits.kernel_tcp, "memory of TCP buffers"));
  if (limits.memory) METE_CHECK(plan.need("memory", "memory limit"));
  if (limits.swap) METE_CHECK(plan.need("memory", "swap limit"));
  if (limits.memory_soft) METE_CHECK(plan.need("memory", "memory soft limit"));
  if (limits.memory_high) METE_CHECK(plan.need("memory", "memory high"));
  if (limits.memory_min) METE_CHECK(plan.need("memory", "memory min"));
  if (limits.oom_group) METE_CHECK(plan.need("memory", "memory oom group"));
  if (limits.kernel_tcp) METE_CHECK(plan.need_v1("memory", "memory of TCP buffers"));
  if (plan.on_v1("memory")) return plan_memory_v1(plan, limits, present);
  if (limits.oom_kill_disable.value_or(false)) {
    return plan.need_v1("memory", "oom kill disable");
  }
  // A limit of memory or swap that is raised goes first, one that is lowered last: else there could be less of both
  // together, for a moment, than before and after. Protections before what kills.
  const auto raises = [](const std::optional<Limit<Bytes>>& to, const std::optional<Limit<Bytes>>& now) {
    return now && !now->is_unlimited() && (to->is_unlimited() || to->value() > now->value());
  };
  const auto write_memory = [&] { plan.write("memory", "memory.max", text_of(*limits.memory, "max")); };
  const bool memory_first = limits.memory && raises(limits.memory, present.memory);
  if (limits.memory_min) plan.write("memory", "memory.min", text_of(*limits.memory_min, "max"));
  if (limits.memory_soft) plan.write("memory", "memory.low", text_of(*limits.memory_soft, "max"));
  if (limits.oom_group) plan.write("memory", "memory.oom.group", *limits.oom_group ? "1" : "0");
  if (memory_first) write_memory();
  if (limits.memory_high) plan.write("memory", "memory.high", text_of(*limits.memory_high, "max"));
  if (limits.swap) plan.write("memory", "memory.swap.max", text_of(*limits.swap, "max"));
  if (limits.memory && !memory_first) write_memory();
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

// bfq reads both files with one function (bfq_io_set_device_weight in block/bfq-cgroup.c), to which 0 is no weight.
Status plan_disk_weights(Plan& plan, const Limits& limits, bool v1) {
  for (const auto& [disk, weight] : *limits.io_disk_weights) {
    if (weight > 1000)
      return fail("io weight of " + disk + ": found " + std::to_string(weight) + ", expected 1 to 1000");
    plan.write(v1 ? "blkio" : "io", std::string(v1 ? kIoWeightOfBfq.v1_file : kIoWeightOfBfq.v2_file),
               disk + " " + (weight == 0 ? "default" : std::to_string(weight)));
  }
  return {};
}

Status plan_io(Plan& plan, const Limits& limits) {
  if (limits.io->empty() && !limits.io_weight && limits.io_disk_weights->empty()) return {};
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
  METE_CHECK(plan_disk_weights(plan, limits, v1));
  for (const auto& [disk, limit] : *limits.io) {
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

Status plan_others(Plan& plan, const Limits& limits) {
  if (limits.pids) {
    METE_CHECK(plan.need("pids", "pids max"));
    plan.write("pids", "pids.max", text_of(*limits.pids, "max"));
  }
  if (limits.net_class) {
    METE_CHECK(plan.need("net_cls", "net class"));
    plan.write("net_cls", "net_cls.classid", std::to_string(*limits.net_class));
  }
  for (const auto& [size, limit] : *limits.hugetlb) {
    METE_CHECK(plan.need("hugetlb", "hugepages " + size));
    METE_CHECK(check_size(limit, "hugepages " + size));
    const bool v1 = plan.on_v1("hugetlb");
    plan.write("hugetlb", "hugetlb." + size + (v1 ? ".limit_in_bytes" : ".max"), text_of(limit, v1 ? "-1" : "max"));
  }
  return {};
}

}  // namespace

Present fresh_group() {
  Present present;
  present.cpu_quota = Limit<microseconds>();
  present.cpu_period = CpuBandwidth().period;
  return present;
}

Result<std::vector<ControlWrite>> plan_writes(const Limits& limits, const Hierarchies& hierarchies,
                                              const Present& present) {
  Plan plan(hierarchies);
  METE_CHECK(plan_cpuset(plan, limits));
  METE_CHECK(internal::plan_cpu(plan, limits, present));
  METE_CHECK(plan_memory(plan, limits, present));
  METE_CHECK(plan_io(plan, limits));
  METE_CHECK(plan_others(plan, limits));
  return plan.take();
}

}  // namespace mete::runtime::cgroup
