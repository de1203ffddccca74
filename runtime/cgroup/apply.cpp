// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {
namespace {

std::optional<std::uint64_t> read_number(const Group& group, std::string_view controller, const std::string& file) {
  const auto text = group.read(controller, file);
  return text ? parse_u64(trim(*text)) : std::nullopt;
}

std::optional<Limit<Bytes>> read_v1_limit(const Group& group, const std::string& file) {
  const auto number = read_number(group, "memory", file);
  if (!number) return std::nullopt;
  if (is_v1_unlimited(*number)) return Limit<Bytes>();
  return Limit<Bytes>(Bytes(static_cast<std::int64_t>(*number)));
}

// Only what the order of these writes depends on is read.
Present read_present(const Group& group, const Limits& limits) {
  const Hierarchies& hierarchies = group.hierarchies();
  Present present;
  if (limits.cpu_bandwidth) {
    const bool v1 = hierarchies.on_v1("cpu");
    if (v1) {
      if (const auto period = read_number(group, "cpu", "cpu.cfs_period_us")) {
        present.cpu_period = std::chrono::microseconds(*period);
      }
    }
    if (const auto burst = read_number(group, "cpu", v1 ? "cpu.cfs_burst_us" : "cpu.max.burst")) {
      present.cpu_burst = std::chrono::microseconds(*burst);
    }
  }
  if ((limits.memory || limits.swap) && hierarchies.on_v1("memory")) {
    present.memory = read_v1_limit(group, "memory.limit_in_bytes");
    present.memory_and_swap = read_v1_limit(group, "memory.memsw.limit_in_bytes");
  }
  return present;
}

// v2 kills at once when memory.max is written below what cannot be reclaimed, so it is made room for before.
Status make_room(const Group& group, const Limits& limits) {
  if (!limits.memory || limits.memory->is_unlimited() || group.hierarchies().on_v1("memory")) return {};
  const auto wanted = static_cast<std::uint64_t>(limits.memory->value().count());
  auto usage = read_number(group, "memory", "memory.current");
  if (!usage || *usage <= wanted) return {};
  // EAGAIN (not all of it) and a kernel without the file both show in the second reading.
  (void)group.write("memory", "memory.reclaim", std::to_string(*usage - wanted));
  usage = read_number(group, "memory", "memory.current");
  if (!usage || *usage <= wanted) return {};
  return fail_errno(group.path() + ": memory limit " + std::to_string(wanted) + " is below the " +
                        std::to_string(*usage) + " bytes in use that could not be reclaimed; not written",
                    kBusy);
}

Status write_one(const Group& group, const ControlWrite& write) {
  Status written = group.write(write.controller, write.file, write.text);
  if (written) return written;
  const Hierarchies& hierarchies = group.hierarchies();
  const bool off = written.error().code == EOPNOTSUPP && !hierarchies.on_v1(write.controller);
  if (off) {
    // A v2 controller that create() does not enable for every group (hugetlb).
    METE_CHECK(internal::enable_controllers(hierarchies.v2_mount, group.path(), {write.controller}));
    return group.write(write.controller, write.file, write.text);
  }
  if (is_busy(written.error()) && write.controller == "memory") {
    written.error().what += " (more is in use than that, and could not be reclaimed)";
  }
  return written;
}

}  // namespace

Result<std::vector<ControlWrite>> Group::planned(const Limits& limits) const {
  return plan_writes(limits, *hierarchies_, read_present(*this, limits));
}

Result<std::vector<ControlWrite>> Group::apply(const Limits& limits) const {
  METE_TRY(std::vector<ControlWrite> writes, planned(limits));
  METE_CHECK(make_room(*this, limits));
  for (const ControlWrite& write : writes) METE_CHECK(write_one(*this, write));
  return writes;
}

Status Group::apply_each(const Limits& limits) const {
  Status first;
  for (const auto& part : parts_of(limits)) {
    auto applied = apply(part);
    if (!applied && first) first = tl::unexpected(std::move(applied.error()));
  }
  return first;
}

Result<std::vector<Drift>> Group::verify(const Limits& limits) const {
  METE_TRY(const auto expected, plan_reads(limits, *hierarchies_, Bytes(::sysconf(_SC_PAGESIZE))));
  std::vector<Drift> drifts;
  for (const ControlWrite& setting : expected) {
    METE_TRY(const std::string text, read(setting.controller, setting.file));
    if (!same_setting(setting.file, setting.text, text)) {
      drifts.push_back({setting.file, setting.text, std::string(trim(text))});
    }
  }
  return drifts;
}

}  // namespace mete::runtime::cgroup
