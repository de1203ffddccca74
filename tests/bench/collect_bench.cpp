// SPDX-License-Identifier: Apache-2.0
// What collecting costs, as ratios to a floor measured in the same run: the bare preads of the same files kept open.
//
//   collect_bench [passes] [cgroups]      default 200 passes, 213 cgroups; needs root (else only the scrape is timed)
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collectors/exposition_stream.h"
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

// The middle of the runs: a busy neighbour does not count.
double median_of(int runs, const std::function<void()>& work) {
  std::vector<double> times;
  for (int run = 0; run < runs; ++run) times.push_back(seconds_of(work));
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return times[static_cast<std::size_t>(runs / 2)];
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

void bench_reads(const Hierarchies& hierarchies, const std::vector<Group>& groups, int passes) {
  const std::vector<SourceFile> nine = chosen_files(hierarchies);
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
  Collection every(hierarchies, {});
  auto few_samplers = open_all(few, groups);
  auto every_samplers = open_all(every, groups);
  char buffer[16'384];
  const auto times = medians_in_turn(passes, {[&] {
                                                for (const UniqueFd& fd : fds)
                                                  (void)!::pread(fd.get(), buffer, sizeof buffer, 0);
                                              },
                                              [&] {
                                                for (CgroupSampler& sampler : few_samplers) sampler.read();
                                              },
                                              [&] {
                                                for (const std::string& path : paths) {
                                                  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
                                                  (void)!::read(fd.get(), buffer, sizeof buffer);
                                                }
                                              },
                                              [&] {
                                                for (CgroupSampler& sampler : every_samplers) sampler.read();
                                              }});
  const double each = 1e6 / static_cast<double>(groups.size());
  std::printf("one pass over one cgroup, %zu files each, %zu cgroups, median of %d\n", nine.size(), groups.size(),
              passes);
  std::printf("  floor: preads of files kept open  %7.2f us\n", times[0] * each);
  std::printf("  mete, the same files, parsed      %7.2f us   %.2f x floor\n", times[1] * each, times[1] / times[0]);
  std::printf("  naive: open, read, close          %7.2f us   %.2f x floor, %.2f x mete\n", times[2] * each,
              times[2] / times[0], times[2] / times[1]);
  std::printf("  mete, all counters (%zu files)     %7.2f us   %.2f %% of a core at one pass a second\n",
              every_samplers.front().open_files(), times[3] * each, times[3] * 100);
  std::uint64_t errors = 0;
  for (const auto& cost : every.cost()) errors += cost.errors;
  std::printf("  errors %llu\n", static_cast<unsigned long long>(errors));
}

mete::collectors::Sample full_sample() {
  mete::collectors::Sample s;
  for (const Collector& collector : mete::collectors::builtin_collectors()) {
    for (const SourceFile& file : collector.files) {
      (void)file.parse("123456789012", s);
      (void)file.parse("8:0 Read 123456789\n8:0 Write 123456789\n254:0 Read 1\n254:0 Write 2\n", s);
      (void)file.parse("some avg10=0.00 total=123456789\nfull avg10=0.00 total=2345678\n", s);
      (void)file.parse(
          "nr_periods 123456\nnr_throttled 1234\nthrottled_time 123456789012\nnr_bursts 1\nburst_time 5\nuser 12345\n"
          "system 12345\noom_kill 1\n\ntotal_cache 123456789\ntotal_rss 123456789\ntotal_mapped_file 1234567\n"
          "total_dirty 1\ntotal_writeback 1\ntotal_workingset_refault_anon 1\ntotal_workingset_refault_file 12345\n"
          "total_swap 0\ntotal_pgfault 123456789\ntotal_pgmajfault 123\ntotal_inactive_file 123456\ntotal_active_file "
          "1\n",
          s);
    }
  }
  (void)mete::collectors::parse_net_dev("eth0: 123456789 123456 0 0 0 0 0 0 123456789 123456 0 0 0 0 0 0\n", s);
  s.wall_time = std::chrono::system_clock::now();
  return s;
}

// A scrape of 35,000 series. The floor: the same bytes appended line by line, nothing rendered.
void bench_scrape(int runs) {
  const mete::collectors::Sample sample = full_sample();
  const auto one = std::make_shared<mete::collectors::Reading>();
  one->samples.push_back(sample);
  one->series.push_back({.labels = std::make_shared<const mete::collectors::LabelBlock>(), .sample = &one->samples[0], .effective = {}, .created = {}, .started = sample.wall_time});
  const std::string text = render(one);
  const auto all_lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  std::size_t heads = 0;
  for (std::size_t at = text.find("# "); at != std::string::npos; at = text.find("\n# ", at + 1)) ++heads;
  const auto reading = std::make_shared<mete::collectors::Reading>();
  auto& series = reading->series;
  const std::size_t containers = 35'000 / (all_lines - heads);
  for (std::size_t i = 0; i < containers; ++i) {
    const std::string name = "container-" + std::to_string(i);
    reading->samples.push_back(sample);
    auto next = one->series[0];
    next.sample = &reading->samples.back();
    next.labels = std::make_shared<const mete::collectors::LabelBlock>(
        mete::collectors::LabelBlock{{"id", "/mete/default_some-pod-" + std::to_string(i) + "/" + name},
                                     {"name", name},
                                     {"image", "registry.example.com/team/image:1.2.3"},
                                     {"namespace", "default"},
                                     {"pod", "some-pod-" + std::to_string(i)},
                                     {"container", name}});
    series.push_back(next);
  }
  std::string out = render(reading);
  std::vector<std::string> lines;
  std::size_t lines_of_series = 0;
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t end = out.find('\n', at) + 1;
    lines.push_back(out.substr(at, end - at));
    lines_of_series += lines.back().front() == '#' ? 0 : 1;
    at = end;
  }
  std::string copy;
  const double floor = median_of(runs, [&] {
    copy.clear();
    for (const std::string& line : lines) copy += line;
  });
  const double mete = median_of(runs, [&] {
    mete::collectors::ExpositionStream stream(reading, mete::collectors::Format::kText, {}, {});
    while (!stream.next().empty()) {
    }
  });
  const double scale = 35'000.0 / static_cast<double>(lines_of_series);
  std::printf("scrape text, %zu series of %zu containers, %.1f MB\n", lines_of_series, series.size(),
              static_cast<double>(out.size()) / 1e6);
  std::printf("  floor: the finished lines appended %6.2f ms\n  mete %34.2f ms   %.2f x floor, %.2f ms for 35,000\n",
              floor * 1e3, mete * 1e3, mete / floor, mete * 1e3 * scale);
}

}  // namespace

int main(int argc, char** argv) {
  const int passes = argc > 1 ? std::max(1, std::atoi(argv[1])) : 200;  // NOLINT(cert-err34-c): 0 becomes 1
  const int count = argc > 2 ? std::max(1, std::atoi(argv[2])) : 213;   // NOLINT(cert-err34-c)
  const rlimit files{65'536, 65'536};
  (void)::setrlimit(RLIMIT_NOFILE, &files);
  const auto hierarchies = mete::runtime::cgroup::find_hierarchies();
  if (hierarchies && ::geteuid() == 0) {
    const Groups groups(*hierarchies, count);
    if (!groups.all().empty()) bench_reads(*hierarchies, groups.all(), passes);
  } else {
    std::printf("reads skipped: needs root and cgroups\n");
  }
  bench_scrape(std::min(passes, 50));
  return 0;
}
