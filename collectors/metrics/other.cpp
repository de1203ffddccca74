// SPDX-License-Identifier: Apache-2.0
// Families of the smaller subjects: general, pids, pressure, the cgroup itself, disk.
#include <array>
#include <string>

#include "collectors/metrics/family.h"

namespace mete::collectors {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

template <auto kMember>
void pids(Lines& out, const Series& s) {
  out.add(s.sample->pids.*kMember);
}
template <auto kSubject, auto kMember>
void pressure(Lines& out, const Series& s) {
  out.add((s.sample->*kSubject).*kMember);
}

void last_seen(Lines& out, const Series& s) {
  const auto time = s.sample->wall_time.time_since_epoch();
  if (time.count() != 0) out.add(std::chrono::nanoseconds(std::chrono::floor<std::chrono::seconds>(time)));
}

void start_time(Lines& out, const Series& s) {
  const auto& time = s.started ? s.started : s.created;
  if (time) out.add(std::chrono::nanoseconds(time->time_since_epoch()));
}

void created(Lines& out, const Series& s) {
  if (s.created) out.add(std::chrono::nanoseconds(s.created->time_since_epoch()));
}

// 1 healthy, 0 not, -1 not known yet.
void health(Lines& out, const Series& s) {
  if (s.lifecycle && s.lifecycle->health) out.add(static_cast<double>(*s.lifecycle->health));
}

void frozen(Lines& out, const Series& s) {
  const GroupSample& group = s.sample->group;
  if (!group.frozen && !group.frozen_v1) return;
  out.add(std::uint64_t{group.frozen.value_or(false) || group.frozen_v1.value_or(false) ? 1U : 0U});
}

template <auto kMember>
void group(Lines& out, const Series& s) {
  out.add(s.sample->group.*kMember);
}

template <auto kMember>
void disk(Lines& out, const Series& s) {
  const auto write = [&](const FilesystemUsage& usage) {
    std::string extra = "device=\"";
    append_label_value(extra, usage.device);
    extra += '"';
    out.add(usage.*kMember, extra);
  };
  if (s.filesystem) write(*s.filesystem);
  for (const auto& usage : s.disks) write(usage);
}

constexpr auto kGeneral = std::to_array<Family>({
    {"general", "container_last_seen", kGauge, "When the counters were last read, in seconds since 1970", "", "", "",
     last_seen},
    {"general", "container_start_time_seconds", kGauge, "When the container was started, in seconds since 1970", "",
     "the runtime's record, or the cgroup's directory", "the runtime's record, or the cgroup's directory", start_time},
    {"general", "container_creation_time_seconds", kGauge, "When the cgroup was made, in seconds since 1970", "",
     "the cgroup's directory", "the cgroup's directory", created},
    {"general", "container_health_state", kGauge, "1 healthy, 0 unhealthy, -1 not known yet; absent without a check",
     "", "", "", health},
});

constexpr auto kPids = std::to_array<Family>({
    {"pids", "container_threads", kGauge, "Tasks, threads counted", "", "pids.current", "pids.current",
     pids<&PidsSample::current>},
    {"pids", "container_threads_max", kGauge, "Tasks allowed; absent without a limit", "", "pids.max", "pids.max",
     [](Lines& out, const Series& s) {
       if (s.with_settings) out.add(s.sample->pids.max);
     }},
    {"pids", "mete_container_forks_refused_total", kCounter,
     "Forks refused by a pids limit: to its processes; on cgroup2 from kernel 6.11 on by its own limit or one below it",
     "", "pids.events max", "pids.events max", pids<&PidsSample::refused>},
    {"pids", "mete_container_threads_peak", kGauge, "The most tasks there ever were", "", "pids.peak", "pids.peak",
     pids<&PidsSample::peak>},
});

constexpr auto kPressure = std::to_array<Family>({
    {"pressure", "container_pressure_cpu_waiting_seconds_total", kCounter, "Time in which a task waited for a CPU", "",
     "cpu.pressure some (cgroup2 twin)", "cpu.pressure some", pressure<&Sample::cpu_pressure, &PressureSample::some>},
    {"pressure", "container_pressure_cpu_stalled_seconds_total", kCounter, "Time in which all tasks waited for a CPU",
     "", "cpu.pressure full (cgroup2 twin)", "cpu.pressure full",
     pressure<&Sample::cpu_pressure, &PressureSample::full>},
    {"pressure", "container_pressure_memory_waiting_seconds_total", kCounter, "Time in which a task waited for memory",
     "", "memory.pressure some (cgroup2 twin)", "memory.pressure some",
     pressure<&Sample::memory_pressure, &PressureSample::some>},
    {"pressure", "container_pressure_memory_stalled_seconds_total", kCounter,
     "Time in which all tasks waited for memory", "", "memory.pressure full (cgroup2 twin)", "memory.pressure full",
     pressure<&Sample::memory_pressure, &PressureSample::full>},
    {"pressure", "container_pressure_io_waiting_seconds_total", kCounter, "Time in which a task waited for IO", "",
     "io.pressure some (cgroup2 twin)", "io.pressure some", pressure<&Sample::io_pressure, &PressureSample::some>},
    {"pressure", "container_pressure_io_stalled_seconds_total", kCounter, "Time in which all tasks waited for IO", "",
     "io.pressure full (cgroup2 twin)", "io.pressure full", pressure<&Sample::io_pressure, &PressureSample::full>},
    {"pressure", "mete_container_pressure_irq_stalled_seconds_total", kCounter, "Time lost to interrupts", "",
     "irq.pressure full (cgroup2 twin)", "irq.pressure full", pressure<&Sample::irq_pressure, &PressureSample::full>},
});

constexpr auto kGroup = std::to_array<Family>({
    {"cgroup", "mete_container_cgroup_descendants", kGauge, "Cgroups below this one", "",
     "cgroup.stat nr_descendants (cgroup2 twin)", "cgroup.stat nr_descendants", group<&GroupSample::descendants>},
    {"cgroup", "mete_container_cgroup_dying_descendants", kGauge,
     "Cgroups below this one that are removed and still charged for something", "",
     "cgroup.stat nr_dying_descendants (cgroup2 twin)", "cgroup.stat nr_dying_descendants",
     group<&GroupSample::dying_descendants>},
    {"cgroup", "mete_container_frozen", kGauge, "1 while all tasks are stopped by the freezer", "",
     "freezer.state, cgroup.events frozen (cgroup2 twin)", "cgroup.events frozen", frozen},
});

// A gauge whose name ends in "_total" is untyped: see family.h.
constexpr auto kDisk = std::to_array<Family>({
    {"disk", "container_fs_usage_bytes", kGauge,
     "Space that the writable layer takes; of the root cgroup: what is taken of each disk", "device",
     "project quota, or a walk over the layer; statfs", "project quota, or a walk over the layer; statfs",
     disk<&FilesystemUsage::usage>},
    {"disk", "container_fs_limit_bytes", kGauge, "Size of the file system, or what a project quota leaves of it",
     "device", "statfs", "statfs", disk<&FilesystemUsage::limit>},
    {"disk", "container_fs_inodes_free", kGauge, "Free inodes of the file system", "device", "statfs", "statfs",
     disk<&FilesystemUsage::inodes_free>},
    {"disk", "container_fs_inodes_total", MetricType::kUntyped, "Inodes of the file system", "device", "statfs",
     "statfs", disk<&FilesystemUsage::inodes_total>},
});

}  // namespace

std::span<const Family> general_families() {
  return kGeneral;
}
std::span<const Family> pids_families() {
  return kPids;
}
std::span<const Family> pressure_families() {
  return kPressure;
}
std::span<const Family> group_families() {
  return kGroup;
}
std::span<const Family> disk_families() {
  return kDisk;
}

}  // namespace mete::collectors
