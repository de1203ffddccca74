// SPDX-License-Identifier: Apache-2.0
// From a tree of files to the exposition text, on both versions. METE_UPDATE_GOLDEN=1 writes the expected text anew.
#include "collectors/sampler.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "collectors/cumulative.h"
#include "runtime/file.h"
#include "tests/support/readings.h"

namespace {
// How often this program has allocated: a warm read must not.
std::size_t allocations = 0;  // NOLINT: tests run on one thread
}  // namespace

// Not inlined: the compiler would take malloc's and free's sides for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;  // NOLINT
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}  // NOLINT
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}  // NOLINT

namespace mete::collectors {
namespace {

using runtime::cgroup::find_hierarchies;
using runtime::cgroup::Group;

class SamplerTest : public ::testing::TestWithParam<const char*> {
 protected:
  SamplerTest()
      : root_(std::string(METE_SOURCE_DIR "/tests/fixtures/") + GetParam()),
        hierarchies_(find_hierarchies(root_ + "/proc", root_).value()) {}
  [[nodiscard]] CollectionOptions options() const { return {.proc = root_ + "/proc"}; }
  [[nodiscard]] Group group() const { return Group::at(hierarchies_, "/mete/web").value(); }
  std::string root_;
  runtime::cgroup::Hierarchies hierarchies_;
};

Sample fixed(const Sample& sample) {
  Sample copy = sample;
  copy.wall_time = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  return copy;
}

TEST_P(SamplerTest, GivesTheExpectedMetrics) {
  Collection collection(hierarchies_, options());
  auto sampler = CgroupSampler::open(collection, group());
  ASSERT_TRUE(sampler) << sampler.error().what;
  ASSERT_TRUE(sampler->watch_network(42));
  ASSERT_EQ(sampler->read(), CgroupSampler::Outcome::kRead);
  for (const auto& cost : collection.cost()) EXPECT_EQ(cost.errors, 0U) << cost.collector;
  const Sample sample = fixed(sampler->sample());
  const LabelBlock labels{{"id", "/mete/web"}, {"name", "web"}, {"namespace", "default"}};
  Series series;
  series.started = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'699'999'000'500));
  std::string text = render(reading_of(labels, sample, series));
  write_machine(text, read_machine(root_ + "/proc").value());
  const std::string golden = root_ + "/metrics.txt";
  if (std::getenv("METE_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(runtime::replace_file(golden, text, 0644));
  }
  EXPECT_EQ(text, runtime::read_file(AT_FDCWD, golden).value_or(""));
}

TEST_P(SamplerTest, AWarmReadAllocatesNothing) {
  CollectionOptions all = options();
  for (const Collector& collector : builtin_collectors()) {
    if (!collector.on) all.with.emplace_back(collector.name);
  }
  all.settings_for = std::chrono::nanoseconds(0);
  Collection collection(hierarchies_, all);
  auto sampler = CgroupSampler::open(collection, group()).value();
  ASSERT_TRUE(sampler.watch_network(42));
  Sample total;
  const Sample base = sampler.sample();
  for (int pass = 0; pass < 3; ++pass) {
    ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
    add_into(base, sampler.sample(), total);
  }
  const std::size_t before = allocations;
  for (int pass = 0; pass < 10; ++pass) {
    if (sampler.read() != CgroupSampler::Outcome::kRead) break;
    add_into(base, sampler.sample(), total);
  }
  const std::size_t made = allocations - before;
  EXPECT_EQ(made, 0U);
  EXPECT_EQ(total.cpu.usage, sampler.sample().cpu.usage);
}

TEST_P(SamplerTest, CountsItsOwnCost) {
  Collection collection(hierarchies_, options());
  auto sampler = CgroupSampler::open(collection, group()).value();
  ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
  std::uint64_t files = 0;
  for (const auto& cost : collection.cost()) {
    files += cost.files;
    if (cost.files > 0) {
      EXPECT_GT(cost.time.count(), 0) << cost.collector;
    }
  }
  EXPECT_GT(files, sampler.open_files()) << "the settings too in the first pass";
  const std::uint64_t first = files;
  ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
  files = 0;
  for (const auto& cost : collection.cost()) files += cost.files;
  EXPECT_EQ(files - first, sampler.open_files()) << "and not in the second";
}

INSTANTIATE_TEST_SUITE_P(Machines, SamplerTest, ::testing::Values("v1-6.18-hybrid", "v2-6.1"), [](const auto& machine) {
  return std::string(machine.param).substr(0, 2) == "v1" ? "Hybrid" : "V2";
});

TEST(DeviceNamesTest, UnknownDevicesAreAskedForOnce) {
  DeviceNames names(METE_SOURCE_DIR "/tests/fixtures/v2-6.1/proc");
  std::vector<DeviceSample> devices(3);
  devices[0].major = 254;
  devices[1].major = 999;
  devices[2].major = 998;
  names.name(devices);
  EXPECT_EQ(devices[0].name.view(), "vda");
  EXPECT_EQ(devices[1].name.view(), "");
  const std::size_t before = allocations;
  names.name(devices);
  EXPECT_EQ(allocations, before) << "the file is not read again";
}

TEST(Collectors, EachHasATableAndUniqueFiles) {
  for (const Collector& collector : builtin_collectors()) {
    for (const SourceFile& a : collector.files) {
      int same = 0;
      for (const SourceFile& b : collector.files) same += a.where == b.where && a.file == b.file ? 1 : 0;
      EXPECT_EQ(same, 1) << a.file;
    }
  }
}

}  // namespace
}  // namespace mete::collectors
