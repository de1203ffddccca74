// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/limits/single_settings.h"
#include "runtime/cgroup/limits/undo.h"
#include "runtime/cgroup/memory/memory.h"
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

std::optional<std::chrono::microseconds> read_time(const Group& group, const std::string& file) {
  const auto number = read_number(group, "cpu", file);
  return number ? std::optional(std::chrono::microseconds(*number)) : std::nullopt;
}

void read_present_cpu(const Group& group, const Limits& limits, Present& present) {
  const bool v1 = group.hierarchies().on_v1("cpu");
  if (limits.cpu_bandwidth) {
    const auto text = group.read("cpu", v1 ? "cpu.cfs_quota_us" : "cpu.max");
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    const auto quota = parse_u64(next_word(rest));  // "-1" and "max" are no numbers
    if (text) {
      present.cpu_quota = quota ? Limit(std::chrono::microseconds(*quota)) : Limit<std::chrono::microseconds>();
    }
    const auto period = v1 ? std::nullopt : parse_u64(next_word(rest));
    present.cpu_period = v1       ? read_time(group, "cpu.cfs_period_us")
                         : period ? std::optional(std::chrono::microseconds(*period))
                                  : std::nullopt;
  }
  if (limits.cpu_bandwidth || limits.cpu_burst)
    present.cpu_burst = read_time(group, v1 ? "cpu.cfs_burst_us" : "cpu.max.burst");
  if (v1 && (limits.rt_period || limits.rt_runtime)) {
    const auto period = read_time(group, "cpu.rt_period_us");
    const auto runtime = read_time(group, "cpu.rt_runtime_us");
    if (period && runtime) present.rt = CpuBandwidth{*runtime, *period};
  }
  if (v1 && (limits.cpu_bandwidth || limits.rt_period || limits.rt_runtime)) {
    // The links of a directory are itself, its name, and one for each directory in it.
    struct stat info {};
    present.cpu_nested = ::stat(group.directory("cpu").c_str(), &info) == 0 && info.st_nlink > 2;
  }
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

// The weight of a disk went with the scheduler that had it (kIoWeightOfBfq).
bool lifts_what_is_gone(const ControlWrite& write, const Error& error) {
  const bool weight = write.file == kIoWeightOfBfq.v1_file || write.file == kIoWeightOfBfq.v2_file;
  return weight && error.code == EOPNOTSUPP && write.text.ends_with(" default");
}

}  // namespace

Status internal::write_limit(const Group& group, const ControlWrite& write) {
  Status written = group.write(write.controller, write.file, write.text);
  if (written || lifts_what_is_gone(write, written.error())) return {};
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

// Only what these limits depend on is read.
Present Group::present(const Limits& limits) const {
  Present present;
  if (limits.cpu_bandwidth || limits.cpu_burst || limits.rt_period || limits.rt_runtime)
    read_present_cpu(*this, limits, present);
  if (!limits.memory && !limits.swap) return present;
  if (hierarchies_->on_v1("memory")) {
    present.memory = read_v1_limit(*this, "memory.limit_in_bytes");
    present.memory_and_swap = read_v1_limit(*this, "memory.memsw.limit_in_bytes");
  } else if (const auto text = read("memory", "memory.max")) {
    const auto bytes = parse_memory_limit(*text);
    present.memory = bytes ? Limit(*bytes) : Limit<Bytes>();
  }
  return present;
}

Result<std::vector<ControlWrite>> Group::planned(const Limits& limits) const {
  return plan_writes(limits, *hierarchies_, present(limits));
}

Result<std::vector<ControlWrite>> Group::set_up(const Limits& limits) const {
  METE_TRY(std::vector<ControlWrite> writes, plan_writes(limits, *hierarchies_, fresh_group()));
  for (const ControlWrite& write : writes) METE_CHECK(internal::write_limit(*this, write));
  return writes;
}

Status Group::apply(const Limits& limits, UndoLog& log) const {
  METE_TRY(const std::vector<ControlWrite> writes, planned(limits));
  METE_CHECK(make_room(*this, limits));
  for (const ControlWrite& write : writes) METE_CHECK(log.write(write));
  return {};
}

Result<std::vector<ControlWrite>> Group::apply(const Limits& limits) const {
  UndoLog log(*this);
  auto applied = apply(limits, log);
  if (!applied) return tl::unexpected<Error>(log.undo(std::move(applied.error())));
  return log.written();
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
