// SPDX-License-Identifier: Apache-2.0
// Families whose numbers only /proc/PID has.
#include <array>
#include <string>

#include "collectors/metrics/family.h"

namespace mete::collectors {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

template <auto kMember>
void of(Lines& out, const Series& s) {
  if (s.sample->processes) out.add((*s.sample->processes).*kMember);
}

void open_files(Lines& out, const Series& s) {
  if (!s.sample->processes || !s.sample->processes->open_files) return;
  const std::int64_t limit = *s.sample->processes->open_files;
  constexpr std::string_view kLabel = R"(ulimit="max_open_files")";
  if (limit < 0) return out.add(static_cast<double>(limit), kLabel);
  out.add(static_cast<std::uint64_t>(limit), kLabel);
}

// cAdvisor's "iowaiting" is left out: no kernel counts such tasks.
void tasks(Lines& out, const Series& s) {
  if (!s.sample->processes || !s.sample->processes->tasks) return;
  const auto& counts = *s.sample->processes->tasks;
  const auto count = [&](TaskState state) { return counts.at(static_cast<std::size_t>(state)); };
  out.add(count(TaskState::kSleeping), R"(state="sleeping")");
  out.add(count(TaskState::kRunning), R"(state="running")");
  out.add(count(TaskState::kStopped), R"(state="stopped")");
  out.add(count(TaskState::kUninterruptible), R"(state="uninterruptible")");
}

constexpr std::string_view kSchedstat = "/proc/PID/task/TID/schedstat";
constexpr std::string_view kStat = "/proc/PID/task/TID/stat";
constexpr auto kFamilies = std::to_array<Family>({
    {"processes", "container_processes", kGauge, "Processes", "", "cgroup.procs lines", "cgroup.procs lines",
     [](Lines& out, const Series& s) { out.add(s.sample->pids.processes); }},
    {"processes", "container_file_descriptors", kGauge, "Open files of all processes", "", "/proc/PID/fd",
     "/proc/PID/fd", of<&ProcessesSample::descriptors>},
    {"processes", "container_ulimits_soft", kGauge, "Soft limit of the first process; -1 without one", "ulimit",
     "/proc/PID/limits", "/proc/PID/limits", open_files},
    {"sockets", "container_sockets", kGauge, "Open files of all processes that are sockets", "", "/proc/PID/fd/*",
     "/proc/PID/fd/*", of<&ProcessesSample::sockets>},
    {"schedstat", "container_cpu_schedstat_run_seconds_total", kCounter, "Time the tasks ran", "", kSchedstat,
     kSchedstat, of<&ProcessesSample::run>},
    {"schedstat", "container_cpu_schedstat_runqueue_seconds_total", kCounter,
     "Time the tasks waited for a CPU, with and without a limit", "", kSchedstat, kSchedstat,
     of<&ProcessesSample::run_queue>},
    {"schedstat", "container_cpu_schedstat_run_periods_total", kCounter, "How often the tasks got a CPU", "",
     kSchedstat, kSchedstat, of<&ProcessesSample::run_periods>},
    {"tasks", "container_tasks_state", kGauge, "Tasks by state", "state", kStat, kStat, tasks},
    {"tasks", "container_cpu_load_average_10s", kGauge, "Running tasks, mean over 10 s, in thousandths", "", kStat,
     kStat, of<&ProcessesSample::load>},
    {"tasks", "container_cpu_load_d_average_10s", kGauge, "Uninterruptible tasks, mean over 10 s, in thousandths", "",
     kStat, kStat, of<&ProcessesSample::load_d>},
});

}  // namespace

std::span<const Family> process_families() {
  return kFamilies;
}

}  // namespace mete::collectors
