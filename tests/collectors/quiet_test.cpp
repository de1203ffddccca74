// SPDX-License-Identifier: Apache-2.0
// Counters of a quiet cgroup are not read, because they cannot have changed, and are read again as soon as they can.
#include "collectors/kernel/quiet.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "collectors/parent_watch.h"
#include "collectors/sampler.h"
#include "tests/support/temp_dir.h"

namespace mete::collectors {
namespace {

using std::chrono::nanoseconds;

Sample numbers(std::int64_t cpu, std::int64_t memory, std::uint64_t tasks) {
  Sample sample;
  sample.cpu.usage = nanoseconds(cpu);
  sample.memory.usage = Bytes(memory);
  sample.pids.current = tasks;
  return sample;
}

TEST(QuietWatch, IsQuietAfterTwoPassesInWhichNothingMoved) {
  QuietWatch watch;
  EXPECT_EQ(watch.see(numbers(1, 2, 3), 0), Quiet::kNo);
  EXPECT_EQ(watch.see(numbers(1, 2, 3), 0), Quiet::kNo);
  EXPECT_EQ(watch.see(numbers(1, 2, 3), 0), Quiet::kWaiting);
  EXPECT_EQ(watch.see(numbers(1, 2, 3), 0), Quiet::kWaiting);
  watch.forget();
  EXPECT_EQ(watch.see(numbers(1, 2, 3), 0), Quiet::kNo);
}

TEST(QuietWatch, WhateverMovesEndsIt) {
  const Sample before = numbers(1, 2, 0);
  const std::vector<std::pair<Sample, std::uint64_t>> changes = {
      {numbers(2, 2, 0), 0}, {numbers(1, 3, 0), 0}, {numbers(1, 1, 0), 0}, {numbers(1, 2, 1), 0}, {before, 1}};
  for (const auto& [sample, reclaims] : changes) {
    QuietWatch watch;
    for (int pass = 0; pass < 2; ++pass) (void)watch.see(before, 0);
    EXPECT_EQ(watch.see(before, 0), Quiet::kEmpty);
    EXPECT_EQ(watch.see(sample, reclaims), Quiet::kNo);
    EXPECT_EQ(watch.see(sample, reclaims), Quiet::kNo);
    EXPECT_NE(watch.see(sample, reclaims), Quiet::kNo);
  }
}

TEST(QuietWatch, NeverWithoutTheNumbersNorWhilePagesWaitForTheDisk) {
  for (int missing = 0; missing < 5; ++missing) {
    Sample sample = numbers(1, 2, 0);
    if (missing == 0) sample.cpu.usage.reset();
    if (missing == 1) sample.memory.usage.reset();
    if (missing == 2) sample.pids.current.reset();
    if (missing == 3) sample.memory.dirty = Bytes(4096);
    if (missing == 4) sample.memory.writeback = Bytes(4096);
    QuietWatch watch;
    for (int pass = 0; pass < 5; ++pass) EXPECT_EQ(watch.see(sample, 0), Quiet::kNo) << missing;
  }
}

TEST(Reclaims, MoveWithWhatTakesPagesOfAnyGroup) {
  EXPECT_EQ(parse_reclaims(
                "nr_free_pages 7\npgscan_anon 1\npgscan_file 2\npgdeactivate 4\npglazyfreed 8\nthp_collapse_alloc 16\n"
                "pgactivate 99\nthp_collapse_alloc_failed 99\n"),
            31U);
  EXPECT_EQ(parse_reclaims(""), 0U);
}

// A tree of files that a test changes, with a sampler that backs off.
class QuietSampler : public ::testing::TestWithParam<const char*> {
 protected:
  QuietSampler() : root_(directory_.path() + "/machine") {
    std::filesystem::copy(std::string(METE_SOURCE_DIR "/tests/fixtures/") + GetParam(), root_,
                          std::filesystem::copy_options::recursive);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      if (entry.path().filename() == "cgroup.procs") write(entry.path(), "42\n");
    }
    write(root_ + "/proc/vmstat", "pgscan_anon 0\n");
    for (const char* key : {"total_dirty", "total_writeback", "file_dirty", "file_writeback"}) set_stat(key, 0);
    hierarchies_ = runtime::cgroup::find_hierarchies(root_ + "/proc", root_).value();
    CollectionOptions options{.proc = root_ + "/proc", .sys = root_ + "/sys", .etc = root_ + "/etc"};
    options.back_off = true;
    options.settings_for = std::chrono::hours(1);
    options.waiting_for = std::chrono::nanoseconds(0);
    options.close_after = std::chrono::nanoseconds(0);
    collection_ = std::make_unique<Collection>(hierarchies_, options);
    sampler_.emplace(
        CgroupSampler::open(*collection_, runtime::cgroup::Group::at(hierarchies_, "/mete/web").value()).value());
  }
  static void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      const std::string path = entry.path();
      if (path.ends_with("/mete/web/" + name)) return path;
    }
    return {};
  }
  void set_stat(const std::string& key, int number) const {
    const std::string path = file("memory.stat");
    std::ifstream in(path);
    std::string text, line;
    while (std::getline(in, line))
      text += (line.starts_with(key + " ") ? key + " " + std::to_string(number) : line) + "\n";
    write(path, text);
  }
  // How many files a pass reads.
  std::uint64_t pass(bool may_have_waited = true) {
    const auto files = [this] {
      std::uint64_t all = 0;
      for (const auto& cost : collection_->cost()) all += cost.files;
      return all;
    };
    const std::uint64_t before = files();
    collection_->begin_pass();
    EXPECT_EQ(sampler_->read(may_have_waited), CgroupSampler::Outcome::kRead);
    return files() - before;
  }
  void become_quiet() {
    for (int i = 0; i < 3; ++i) (void)pass();
  }

  mete::testing::TempDir directory_;
  std::string root_;
  runtime::cgroup::Hierarchies hierarchies_;
  std::unique_ptr<Collection> collection_;
  std::optional<CgroupSampler> sampler_;
};

TEST_P(QuietSampler, ReadsFewFilesUntilSomethingRuns) {
  const std::uint64_t first = pass();
  const std::uint64_t all = pass();
  EXPECT_LT(all, first) << "no settings";
  const std::uint64_t quiet = pass();
  EXPECT_LT(quiet, all) << "tasks that sleep";
  EXPECT_EQ(pass(), quiet);
  set_stat("total_pgfault", 123'456);
  set_stat("pgfault", 123'456);
  EXPECT_EQ(pass(), quiet);
  EXPECT_NE(sampler_->sample().memory.page_faults, Count(123'456))
      << "no kernel does that: this shows that it was not read";
  write(file(std::string(GetParam()).starts_with("v1") ? "cpuacct.usage" : "memory.current"), "987654321\n");
  EXPECT_EQ(pass(), all);
  EXPECT_EQ(sampler_->sample().memory.page_faults, Count(123'456));
}

TEST_P(QuietSampler, WithoutTasksItReadsFewerStill) {
  become_quiet();
  const std::uint64_t waiting = pass();
  write(file("pids.current"), "0\n");
  become_quiet();
  EXPECT_LT(pass(), waiting) << "nobody can be under pressure";
  write(file("pids.current"), "1\n");
  EXPECT_GT(pass(), waiting);
}

TEST_P(QuietSampler, TasksThatHaveNotWaitedAreNotLookedAt) {
  become_quiet();
  const std::uint64_t waiting = pass();
  EXPECT_LT(pass(false), waiting);
  write(file("cpu.pressure"), "some avg10=0.00 avg60=0.00 avg300=0.00 total=7777777\n");
  (void)pass(false);
  EXPECT_NE(sampler_->sample().cpu_pressure.some, Time(std::chrono::microseconds(7'777'777)));
  EXPECT_EQ(pass(true), waiting);
  EXPECT_EQ(sampler_->sample().cpu_pressure.some, Time(std::chrono::microseconds(7'777'777)));
}

// Only where each write to a setting is reported.
TEST_P(QuietSampler, WatchedSettingsLetAQuietGroupCloseItsFiles) {
  const std::uint64_t first = pass();
  const std::uint64_t all = pass();
  const std::size_t open = sampler_->open_files();
  become_quiet();
  EXPECT_EQ(sampler_->open_files(), open) << "settings are not watched";
  sampler_->settings_are_watched(true);
  const std::uint64_t quiet = pass(false);
  EXPECT_EQ(pass(false), quiet);
  EXPECT_EQ(sampler_->open_files(), quiet) << "what is read in each pass stays open";
  EXPECT_LT(quiet, open);
  write(file(std::string(GetParam()).starts_with("v1") ? "cpuacct.usage" : "memory.current"), "987654321\n");
  EXPECT_EQ(pass(false), all);
  EXPECT_EQ(sampler_->open_files(), open);
  become_quiet();
  sampler_->refresh_settings();
  EXPECT_EQ(pass(false), first) << "files that were closed are read again with the settings";
}

TEST_P(QuietSampler, AParentTellsWhetherAGroupBelowMayHaveWaited) {
  const auto parent = runtime::cgroup::Group::at(hierarchies_, "/mete/web").value();
  ParentWatch watch(*collection_, parent);
  EXPECT_TRUE(watch.may_have_waited()) << "there is nothing to compare with";
  EXPECT_FALSE(watch.may_have_waited());
  const std::string pressure = file("io.pressure");
  ASSERT_FALSE(pressure.empty());
  write(pressure, "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345678\n");
  EXPECT_TRUE(watch.may_have_waited());
  EXPECT_FALSE(watch.may_have_waited());
  write(pressure, "no pressure at all\n");
  EXPECT_TRUE(watch.may_have_waited());
  EXPECT_TRUE(watch.may_have_waited()) << "as long as it cannot be read";
}

TEST_P(QuietSampler, AParentWithoutPressureTellsNothing) {
  std::filesystem::remove(file("cpu.pressure"));
  const auto parent = runtime::cgroup::Group::at(hierarchies_, "/mete/web").value();
  ParentWatch watch(*collection_, parent);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(watch.may_have_waited());
}

TEST_P(QuietSampler, ReclaimOnTheMachineHasAllOfItRead) {
  become_quiet();
  const std::uint64_t quiet = pass();
  write(root_ + "/proc/vmstat", "pgscan_anon 1\n");
  EXPECT_GT(pass(), quiet);
}

TEST_P(QuietSampler, ChangedLimitsHaveAllOfItRead) {
  become_quiet();
  set_stat("total_pgfault", 123'456);
  set_stat("pgfault", 123'456);
  sampler_->refresh_settings();
  (void)pass();
  EXPECT_EQ(sampler_->sample().memory.page_faults, Count(123'456));
}

INSTANTIATE_TEST_SUITE_P(Machines, QuietSampler, ::testing::Values("v1-6.18-hybrid", "v2-6.1"),
                         [](const auto& machine) {
                           return std::string(machine.param).starts_with("v1") ? "V1" : "V2";
                         });

class QuietSamplerV1 : public QuietSampler {};

// The CPU usage of one hierarchy tells nothing of processes that are there in another only.
TEST_P(QuietSamplerV1, HierarchiesWithOtherProcessesAreAlwaysReadInFull) {
  (void)pass();
  const std::uint64_t all = pass();
  const std::string usage = file("cpuacct.usage");
  write(usage.substr(0, usage.rfind('/')) + "/cgroup.procs", "");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(pass(), all);
}
INSTANTIATE_TEST_SUITE_P(Machines, QuietSamplerV1, ::testing::Values("v1-6.18-hybrid"));

}  // namespace
}  // namespace mete::collectors
