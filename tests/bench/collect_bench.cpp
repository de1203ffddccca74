// SPDX-License-Identifier: Apache-2.0
// The cost of collecting, as ratios to a floor measured in the same run: the bare preads of the same files kept open.
//
//   collect_bench [passes] [cgroups]      default 200 passes, 213 cgroups; needs root
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "collectors/sampler.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace {

using mete::collectors::CgroupSampler;
using mete::collectors::Collection;
using mete::collectors::Collector;
using mete::collectors::SourceFile;
using mete::runtime::UniqueFd;
using mete::runtime::cgroup::Group;
using mete::runtime::cgroup::Hierarchies;
using Clock = std::chrono::steady_clock;

// The nine files of one v1 container that a monitor cannot do without, or their likes on v2.
constexpr std::string_view kNine[] = {
    "cpu.stat",
    "cpuacct.usage",
    "cpuacct.stat",
    "memory.usage_in_bytes",
    "memory.max_usage_in_bytes",
    "memory.failcnt",
    "memory.oom_control",
    "memory.stat",
    "pids.current",
    "memory.current",
    "memory.peak",
    "memory.swap.current",
    "memory.events",
    "io.stat",
    "cpu.pressure",
    "memory.pressure",
};

double seconds_of(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Medians of things timed in turn, so that all of them meet the same neighbours.
std::vector<double> medians_in_turn(int runs, const std::vector<std::function<void()>>& works) {
  std::vector<std::vector<double>> times(works.size());
  for (int run = 0; run < runs; ++run) {
    for (std::size_t i = 0; i < works.size(); ++i) times[i].push_back(seconds_of(works[i]));
  }
  std::vector<double> medians;
  for (auto& list : times) {
    std::nth_element(list.begin(), list.begin() + runs / 2, list.end());
    medians.push_back(list[static_cast<std::size_t>(runs / 2)]);
  }
  return medians;
}

// Groups under a parent of this program's own, removed at the end.
class Groups {
 public:
  Groups(const Hierarchies& hierarchies, int count) : hierarchies_(hierarchies) {
    const char* start = std::getenv("METE_TEST_CGROUP");
    parent_ = std::string(start != nullptr ? start : "/mete-bench") + "-" + std::to_string(::getpid());
    for (int i = 0; i < count; ++i) {
      const Group group = Group::at(hierarchies_, parent_ + "/c" + std::to_string(i)).value();
      if (const auto made = group.create(); !made) {
        std::printf("skipped: %s\n", made.error().what.c_str());
        return;
      }
      all_.push_back(group);
    }
  }
  ~Groups() { (void)Group::at(hierarchies_, parent_)->remove(); }
  Groups(const Groups&) = delete;
  Groups& operator=(const Groups&) = delete;
  [[nodiscard]] const std::vector<Group>& all() const { return all_; }

 private:
  const Hierarchies& hierarchies_;
  std::string parent_;
  std::vector<Group> all_;
};

std::vector<SourceFile> chosen_files(const Hierarchies& hierarchies) {
  std::vector<SourceFile> files;
  for (const Collector& collector : mete::collectors::builtin_collectors()) {
    for (const SourceFile& source : collector.files) {
      const bool here = source.where == mete::collectors::Where::kV1 ? hierarchies.on_v1(source.controller)
                        : source.where == mete::collectors::Where::kV2
                            ? !hierarchies.on_v1(source.controller) && hierarchies.on_v2(source.controller)
                            : hierarchies.v1.empty();
      const bool named = std::find(std::begin(kNine), std::end(kNine), source.file) != std::end(kNine);
      if (here && named && files.size() < 9) files.push_back(source);
    }
  }
  return files;
}

std::string path_of(const Group& group, const SourceFile& file) {
  const bool unified = file.where == mete::collectors::Where::kUnified;
  return (unified ? group.unified_directory() : group.directory(file.controller)) + "/" + std::string(file.file);
}

std::vector<CgroupSampler> open_all(Collection& collection, const std::vector<Group>& groups) {
  std::vector<CgroupSampler> samplers;
  for (const Group& group : groups) {
    auto sampler = CgroupSampler::open(collection, group);
    if (sampler) samplers.push_back(std::move(*sampler));
  }
  return samplers;
}

constexpr const char* kTooMany = "  left out: they need %zu open files, and %zu are allowed\n";

std::size_t files_allowed() {
  rlimit limit{};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  constexpr std::size_t kOthers = 64;  // of this program itself
  return static_cast<std::size_t>(limit.rlim_cur) - kOthers;
}

// The same nine files by three readers.
void bench_nine(const Hierarchies& hierarchies, const std::vector<Group>& groups, int passes) {
  const std::vector<SourceFile> nine = chosen_files(hierarchies);
  std::printf("one pass over one cgroup, %zu files each, %zu cgroups, median of %d\n", nine.size(), groups.size(),
              passes);
  if (const std::size_t needed = 2 * nine.size() * groups.size(); needed > files_allowed()) {
    std::printf(kTooMany, needed, files_allowed());
    return;
  }
  std::vector<UniqueFd> fds;
  std::vector<std::string> paths;
  for (const Group& group : groups) {
    for (const SourceFile& file : nine) {
      paths.push_back(path_of(group, file));
      fds.emplace_back(::open(paths.back().c_str(), O_RDONLY | O_CLOEXEC));
    }
  }
  const Collector only_nine[] = {{"nine", nine}};
  Collection few(hierarchies, {.settings_for = std::chrono::hours(1), .collectors = only_nine});
  auto samplers = open_all(few, groups);
  char buffer[16'384];
  const auto floor = [&] {
    for (const UniqueFd& fd : fds) (void)!::pread(fd.get(), buffer, sizeof buffer, 0);
  };
  const auto mete = [&] {
    for (CgroupSampler& sampler : samplers) sampler.read();
  };
  const auto naive = [&] {
    for (const std::string& path : paths) {
      const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      (void)!::read(fd.get(), buffer, sizeof buffer);
    }
  };
  const auto times = medians_in_turn(passes, {floor, mete, naive});
  const double each = 1e6 / static_cast<double>(groups.size());
  std::printf("  floor: preads of files kept open  %7.2f us\n", times[0] * each);
  std::printf("  mete, the same files, parsed      %7.2f us   %.2f x floor\n", times[1] * each, times[1] / times[0]);
  std::printf("  naive: open, read, close          %7.2f us   %.2f x floor, %.2f x mete\n", times[2] * each,
              times[2] / times[0], times[2] / times[1]);
}

// All that mete reads, its files kept open and not.
void bench_all(const Hierarchies& hierarchies, const std::vector<Group>& groups, int passes) {
  Collection every(hierarchies, {});
  auto kept = open_all(every, groups);
  const std::size_t files = kept.front().open_files();
  std::printf("one pass over one cgroup, all counters, %zu files each\n", files);
  if (files * groups.size() > files_allowed()) {
    std::printf(kTooMany, files * groups.size(), files_allowed());
    return;
  }
  Collection unkept(hierarchies, {.settings_for = std::chrono::hours(1), .open_files = 1});
  auto opened_again = open_all(unkept, groups);
  const auto counters = [&] {
    for (CgroupSampler& sampler : kept) sampler.read();
  };
  const auto past_budget = [&] {
    for (CgroupSampler& sampler : opened_again) sampler.read();
  };
  const auto settings = [&] {
    for (CgroupSampler& sampler : kept) {
      sampler.refresh_settings();
      sampler.read();
    }
  };
  const auto times = medians_in_turn(passes, {counters, past_budget, settings});
  const double each = 1e6 / static_cast<double>(groups.size());
  std::printf("  mete                              %7.2f us   %.2f %% of a core at one pass a second\n",
              times[0] * each, times[0] * 100);
  std::printf("  mete, past the budget of files    %7.2f us   %.2f x kept open: opened for each read\n",
              times[1] * each, times[1] / times[0]);
  std::printf("  mete, settings too (every 10 s)   %7.2f us   %.2f x\n", times[2] * each, times[2] / times[0]);
  std::uint64_t errors = 0;
  for (const auto& cost : every.cost()) errors += cost.errors;
  std::printf("  errors %llu\n", static_cast<unsigned long long>(errors));
}

// The cost of the collectors that are off by default: for 100 sleeping processes with three files each.
void bench_processes(int passes) {
  using mete::collectors::ProcessOptions;
  constexpr int kProcesses = 100;
  std::vector<pid_t> children;
  std::string pids;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      while (true) ::pause();
    }
    if (child < 0) break;
    children.push_back(child);
    pids += std::to_string(child) + "\n";
  }
  const UniqueFd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::pair<const char*, ProcessOptions> kinds[] = {{"processes", {.descriptors = true}},
                                                          {"sockets", {.sockets = true}},
                                                          {"tasks", {.tasks = true}},
                                                          {"schedstat", {.schedstat = true}}};
  std::printf("one walk over %zu processes\n", children.size());
  for (const auto& [name, options] : kinds) {
    mete::collectors::ProcessWalk walk(options);
    mete::collectors::Sample sample;
    const double time = medians_in_turn(passes, {[&] { walk.run(proc.get(), pids, Clock::now(), sample); }}).front();
    std::printf("  %-10s %7.2f us a process\n", name, time * 1e6 / static_cast<double>(children.size()));
  }
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int passes = argc > 1 ? std::max(1, std::atoi(argv[1])) : 200;  // NOLINT(cert-err34-c): 0 becomes 1
  const int count = argc > 2 ? std::max(1, std::atoi(argv[2])) : 213;   // NOLINT(cert-err34-c)
  rlimit files{};
  (void)::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &files);
  const auto hierarchies = mete::runtime::cgroup::find_hierarchies();
  if (hierarchies && ::geteuid() == 0) {
    const Groups groups(*hierarchies, count);
    if (!groups.all().empty()) {
      bench_nine(*hierarchies, groups.all(), passes);
      bench_all(*hierarchies, groups.all(), passes);
    }
  } else {
    std::printf("reads skipped: needs root and cgroups\n");
  }
  bench_processes(passes);
  return 0;
}
