// SPDX-License-Identifier: Apache-2.0
// One walk over a cgroup's processes for all facts that only /proc/PID has. Each run is bounded: when there are many
// tasks, a run reads some and the next run continues. The results of a walk are reported when the walk is complete. A
// process that exits during the walk is no error.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collectors/kernel/sample.h"

namespace mete::collectors {

struct ProcessOptions {
  bool descriptors = false;  // number of open files, and the limit of the first process
  bool sockets = false;      // number of sockets among them: one readlink per open file
  bool tasks = false;        // states of all threads, load averages
  bool schedstat = false;    // run time and run-queue wait of all threads
  std::size_t most = 500;    // bound of one run: tasks, or descriptors / 8
  [[nodiscard]] bool any() const { return descriptors || sockets || tasks || schedstat; }
};

// Mean over 10 s of a number that was `now` for the last `elapsed`: the old mean has the weight exp(-elapsed / 10 s).
// Without an old mean the result is `now`.
[[nodiscard]] double decayed(std::optional<double> before, double now, std::chrono::nanoseconds elapsed);

// The state letter in the text of /proc/PID/stat: 'S' of "123 (a) b) S 1 ..."; 0 when there is none.
[[nodiscard]] char state_of_stat(std::string_view stat);
// The soft limit of open files in the text of /proc/PID/limits; -1 for unlimited.
[[nodiscard]] std::optional<std::int64_t> open_files_limit(std::string_view limits);

struct Schedstat {
  std::uint64_t run = 0, wait = 0, periods = 0;  // ns, ns, number of time slices
};
[[nodiscard]] std::optional<Schedstat> parse_schedstat(std::string_view text);

// Sums over tasks that start and end: the last values read from a task stay in the sum when the task has ended. Time
// that passed between that reading and the task's end is not counted.
class SchedstatSum {
 public:
  void seen(pid_t task, const Schedstat& now, std::uint64_t walk);
  // Every task was read in this walk: a task without a value from it has ended.
  void end_of(std::uint64_t walk);
  [[nodiscard]] Schedstat total() const;

 private:
  struct Task {
    Schedstat last;
    std::uint64_t walk = 0;
  };
  std::unordered_map<pid_t, Task> tasks_;
  Schedstat ended_;
};

class ProcessWalk {
 public:
  using Clock = std::chrono::steady_clock;
  explicit ProcessWalk(const ProcessOptions& options) : options_(options) {}

  // Makes one run. `proc`: a descriptor of /proc. `pids`: the text of cgroup.procs, used when a new walk begins. Sets
  // Sample::processes to the results of the last complete walk. Returns the number of files read.
  std::uint64_t run(int proc, std::string_view pids, Clock::time_point now, Sample& into);

 private:
  struct Found {
    std::uint64_t descriptors = 0, sockets = 0;
    std::array<std::uint64_t, kTaskStates> tasks{};
  };
  void read_process(int proc, pid_t pid);
  void read_descriptors(int proc, pid_t pid);
  void read_tasks(int proc, pid_t pid);
  void complete(Clock::time_point now);

  ProcessOptions options_;
  std::vector<pid_t> pids_;
  std::size_t next_ = 0;
  std::uint64_t walk_ = 0;
  std::uint64_t files_ = 0;
  std::size_t looked_ = 0;
  Found found_;
  std::optional<std::int64_t> open_files_;
  SchedstatSum schedstat_;
  std::optional<double> load_, load_d_;
  std::optional<Clock::time_point> last_;
  ProcessesSample told_;
  bool complete_ = false;
};

}  // namespace mete::collectors
